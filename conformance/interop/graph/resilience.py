"""What a client does about 429 and about a challenge, by itself."""

from bench import hold
from house import lab


async def throttled(house):
    await lab("faults/add", {"host": "graph", "path": "/me", "kind": "status", "status": 429, "retryAfter": 1, "count": 1})
    house.statuses()
    me = await house.client.me.get()
    statuses = house.statuses()
    hold("429 is waited out and asked again", me.id and statuses[-1] == 200, statuses)
    journal = await lab_get("faults")
    hold("the fault was taken", any(row.get("taken") == 1 for row in journal["faults"]), journal)


async def challenged(house):
    await house.client.me.get()
    await lab("users/revoke-sessions", {"tenant": "contoso", "user": "alice"})
    house.statuses()
    me = await house.client.me.get()
    hold("a challenge brings a new sign-in and the answer", me.id and len(house.credential.challenges) == 1, house.credential.challenges)
    hold("its claims arrive at the credential", "access_token" in house.credential.challenges[0], house.credential.challenges)


async def lab_get(control):
    import httpx
    from bench import LAB

    async with httpx.AsyncClient() as client:
        return (await client.get(f"{LAB}/lab/{control}")).json()


CASES = [throttled, challenged]
