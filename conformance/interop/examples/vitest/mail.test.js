import { describe, expect } from "vitest";
import { test } from "./tenant.js";

describe.each([1, 2, 3, 4, 5, 6])("round %i", () => {
  test("mail is there", async ({ tenant }) => {
    const token = await tenant.exchange(await tenant.signIn("alice"), "Mail.Read");
    expect(await tenant.messages(token)).not.toHaveLength(0);
  });
});
