"""Files: children by pages, downloads, search of a drive and of everything; an upload that the token's scopes do not let through."""

from bench import hold
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.drives.item.items.item.children.children_request_builder import ChildrenRequestBuilder
from msgraph.generated.models.drive_item import DriveItem
from msgraph.generated.models.entity_type import EntityType
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.search_query import SearchQuery
from msgraph.generated.models.search_request import SearchRequest
from msgraph.generated.search.query.query_post_request_body import QueryPostRequestBody
from msgraph_core.tasks import PageIterator

Query = ChildrenRequestBuilder.ChildrenRequestBuilderGetQueryParameters


def identity(item):
    return item["id"] if isinstance(item, dict) else item.id


async def drive_of(house):
    drive = await house.client.me.drive.get()
    return drive, house.client.drives.by_drive_id(drive.id)


async def walk(drive, folder, found):
    """Everything below a folder, page by page."""
    for item in (await drive.items.by_drive_item_id(folder).children.get()).value:
        if item.folder:
            await walk(drive, item.id, found)
        else:
            found[item.name] = item
    return found


async def children(house):
    drive, builder = await drive_of(house)
    hold("/me/drive", drive.drive_type == "business" and drive.owner.user.id, drive)
    page = await builder.items.by_drive_item_id("root").children.get(RequestConfiguration(query_parameters=Query(top=2)))
    seen = []

    def each(item):
        seen.append(identity(item))
        return True

    await PageIterator(page, house.adapter).iterate(each)
    whole = (await builder.items.by_drive_item_id("root").children.get()).value
    hold("children by pages to the end", sorted(seen) == sorted(item.id for item in whole) and len(seen) > 2, seen)
    files = await walk(builder, "root", {})
    hold("files below folders", len(files) > 2 and all(item.size is not None for item in files.values()), files)


async def downloads(house):
    _, builder = await drive_of(house)
    files = await walk(builder, "root", {})
    for name, item in list(files.items())[:6]:
        content = await builder.items.by_drive_item_id(item.id).content.get()
        hold(f"{name} has its {item.size} bytes", len(content) == item.size, (item.size, len(content)))
    notes = files["notes.txt"]
    by_path = await builder.items.by_drive_item_id(f"root:/{notes.name}:").get()
    hold("an item by its path", by_path.id == notes.id, by_path)


async def search(house):
    _, builder = await drive_of(house)
    found = (await builder.search_with_q("notes").get()).value
    hold("search of a drive", any(item.name == "notes.txt" for item in found), found)
    request = SearchRequest(entity_types=[EntityType.DriveItem], query=SearchQuery(query_string="budget"), from_=0, size=5)
    answer = await house.client.search.query.post(QueryPostRequestBody(requests=[request]))
    container = answer.value[0].hits_containers[0]
    hold("/search/query", container.total == len(container.hits) or container.more_results_available, container)
    hold("hits are drive items", all(isinstance(hit.resource, DriveItem) and hit.summary for hit in container.hits), container.hits)


async def upload(house):
    _, builder = await drive_of(house)
    house.statuses()
    try:
        await builder.items.by_drive_item_id("root:/new.txt:").content.put(b"new")
        hold("an upload without the scope is refused", False)
    except ODataError as refusal:
        hold("an upload without the scope is refused", refusal.response_status_code == 403 and refusal.error.code, refusal)
    hold("and asked for once", house.statuses() == [403])


CASES = [children, downloads, search, upload]
