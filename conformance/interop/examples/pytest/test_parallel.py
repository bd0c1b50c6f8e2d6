"""Tests that break their world, many at a time: each round of each leaves its tenant in a state in which no other could pass."""

import pytest
import requests
from conftest import GRAPH

ROUNDS = pytest.mark.parametrize("round", range(6))


@ROUNDS
def test_a_disabled_user_gets_no_further_token(tenant, round):
    assert "access_token" in tenant.sign_in("alice")
    tenant.tell("users/update", user="alice", enabled=False)
    assert "access_token" not in tenant.sign_in("alice")


@ROUNDS
def test_a_withdrawn_permission_is_not_exchanged(tenant, round):
    token = tenant.sign_in("alice")["access_token"]
    assert "access_token" in tenant.exchange(token, "Mail.Read")
    tenant.tell("grants/revoke", client="m365-server", resource="graph", scopes=["Mail.Read"])
    refused = tenant.exchange(token, "Mail.Read")
    assert refused["error"] == "invalid_grant" and refused["error_codes"] == [65001]


@ROUNDS
def test_mail_is_there(tenant, round):
    token = tenant.exchange(tenant.sign_in("alice")["access_token"], "Mail.Read")["access_token"]
    answer = requests.get(f"{GRAPH}/v1.0/me/messages", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 200 and answer.json()["value"]
