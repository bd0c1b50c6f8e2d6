"""Chats and channels: lists, members, messages by pages, replies, search."""

from bench import hold
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.chats.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.generated.models.entity_type import EntityType
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.search_query import SearchQuery
from msgraph.generated.models.search_request import SearchRequest
from msgraph.generated.search.query.query_post_request_body import QueryPostRequestBody
from msgraph_core.tasks import PageIterator

Query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters


async def chats(house):
    listed = (await house.client.me.chats.get()).value
    kinds = {chat.chat_type.value for chat in listed}
    hold("/me/chats", kinds >= {"oneOnOne", "group", "meeting"}, kinds)
    longest = []
    for chat in listed:
        builder = house.client.chats.by_chat_id(chat.id)
        members = (await builder.members.get()).value
        hold(f"members of a {chat.chat_type.value} chat", len(members) > 1 and all(member.display_name for member in members), members)
        first = await builder.messages.get(RequestConfiguration(query_parameters=Query(top=2)))
        ids = []

        def each(message):
            ids.append(message["id"] if isinstance(message, dict) else message.id)
            return True

        await PageIterator(first, house.adapter).iterate(each)
        hold("messages by pages, the newest first", ids == sorted(set(ids), reverse=True), ids)
        longest = max(longest, ids, key=len)
    hold("more than one page", len(longest) > 4, longest)


async def channels(house):
    read = 0
    for group in (await house.client.me.member_of.get()).value:
        builder = house.client.teams.by_team_id(group.id).channels
        try:
            listed = (await builder.get()).value
        except ODataError:
            # A group without a team.
            continue
        for channel in listed:
            messages = (await builder.by_channel_id(channel.id).messages.get()).value
            for message in messages[:2]:
                replies = (await builder.by_channel_id(channel.id).messages.by_chat_message_id(message.id).replies.get()).value
                hold("replies are to their message", all(reply.reply_to_id == message.id for reply in replies), replies)
            read += len(messages)
    hold("messages of channels", read > 3, read)


async def search(house):
    request = SearchRequest(entity_types=[EntityType.ChatMessage], query=SearchQuery(query_string="budget"), from_=0, size=25)
    answer = await house.client.search.query.post(QueryPostRequestBody(requests=[request]))
    hits = answer.value[0].hits_containers[0].hits
    hold("search of what was said", hits and all("budget" in hit.summary.lower() for hit in hits), hits)


CASES = [chats, channels, search]
