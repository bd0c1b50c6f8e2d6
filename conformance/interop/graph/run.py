"""Unmodified msgraph-sdk for Python, module by module. A new area is a module with `CASES` and its name below."""

import asyncio
import importlib

from bench import finish
from house import House

MODULES = ["mail", "events", "files", "talk", "resilience"]


async def main():
    for name in MODULES:
        house = House()
        for case in importlib.import_module(name).CASES:
            await case(house)


asyncio.run(main())
finish()
