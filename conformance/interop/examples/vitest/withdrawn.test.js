import { describe, expect } from "vitest";
import { test } from "./tenant.js";

describe.each([1, 2, 3, 4, 5, 6])("round %i", () => {
  test("a withdrawn permission is not exchanged", async ({ tenant }) => {
    const token = await tenant.signIn("alice");
    expect(await tenant.exchange(token, "Mail.Read")).toBeTruthy();
    await tenant.tell("grants/revoke", { client: "m365-server", resource: "graph", scopes: ["Mail.Read"] });
    await expect(tenant.exchange(token, "Mail.Read")).rejects.toThrow("AADSTS65001");
  });
});
