import { describe, expect } from "vitest";
import { test } from "./tenant.js";

describe.each([1, 2, 3, 4, 5, 6])("round %i", () => {
  test("a disabled user gets no further token", async ({ tenant }) => {
    expect(await tenant.signIn("alice")).toBeTruthy();
    await tenant.tell("users/update", { user: "alice", enabled: false });
    await expect(tenant.signIn("alice")).rejects.toThrow();
  });
});
