"""Profile, mail to the end, attachments, batches."""

from bench import hold
from house import House
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks import PageIterator

Query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters
Configuration = MessagesRequestBuilder.MessagesRequestBuilderGetRequestConfiguration


async def profile(house):
    me = await house.client.me.get()
    hold("/me", me.user_principal_name == house.person.upn, me)
    groups = await house.client.me.member_of.get()
    hold("/me/memberOf", "#microsoft.graph.group" in {each.odata_type for each in groups.value}, groups)
    organization = await house.client.organization.get()
    hold("/organization", organization.value[0].verified_domains[0].is_default, organization)
    photo = await house.client.me.photo.content.get()
    hold("/me/photo/$value", photo.startswith(b"\x89PNG"), photo[:20])
    settings = await house.client.me.mailbox_settings.get()
    hold("/me/mailboxSettings", settings.working_hours.days_of_week, settings)


async def paging(house):
    first = await house.client.me.messages.get(Configuration(query_parameters=Query(top=3, select=["subject"])))
    ids = []

    def each(message):
        ids.append(message["id"] if isinstance(message, dict) else message.id)
        return True

    await PageIterator(first, house.adapter).iterate(each)
    counted = await house.client.me.messages.get(Configuration(query_parameters=Query(top=1, count=True)))
    hold("mail by pages to the end", len(set(ids)) == len(ids) == counted.odata_count, (len(ids), counted.odata_count))
    found = await house.client.me.messages.get(Configuration(query_parameters=Query(search='"budget"')))
    hold("mail by $search", found.value and any("budget" in message.subject.lower() for message in found.value), found)


async def attachments(house):
    query = Query(filter="hasAttachments eq true", top=50)
    kinds, sizes = set(), set()
    for whose in (house, *(House(name=name) for name in ("bob", "carol", "dave"))):
        messages = (await whose.client.me.messages.get(Configuration(query_parameters=query))).value
        for message in messages:
            builder = whose.client.me.messages.by_message_id(message.id)
            for attachment in (await builder.attachments.get()).value:
                kinds.add(type(attachment).__name__)
                whole = await builder.attachments.by_attachment_id(attachment.id).get()
                sizes.add(len(getattr(whole, "content_bytes", None) or b""))
        mime = await whose.client.me.messages.by_message_id(messages[0].id).content.get()
        hold("a message as MIME", b"\r\n" in mime, mime[:80])
    hold("attachments of each kind", kinds >= {"FileAttachment", "ItemAttachment"}, kinds)
    hold("attachments have their bytes", max(sizes) > 10, sizes)


async def batch(house):
    requests = [house.client.me.to_get_request_information(), house.client.me.messages.to_get_request_information()]
    content = BatchRequestContent()
    for number, request in enumerate(requests):
        content.add_request(None, BatchRequestItem(request, id=str(number)))
    house.statuses()
    answer = await BatchRequestBuilder(house.adapter).post(content)
    hold("one request went out", house.statuses() == [200])
    statuses = [answer.get_response_by_id(str(number)).status for number in range(len(requests))]
    hold("batch", statuses == [200, 200], statuses)


CASES = [profile, paging, attachments, batch]
