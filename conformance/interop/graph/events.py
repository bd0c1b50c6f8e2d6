"""Events, views, meeting times; a meeting written and taken back."""

import datetime
import os

from bench import hold
from house import lab
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.attendee_base import AttendeeBase
from msgraph.generated.models.attendee_type import AttendeeType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import GetSchedulePostRequestBody
from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import CalendarViewRequestBuilder
from msgraph.generated.users.item.find_meeting_times.find_meeting_times_post_request_body import FindMeetingTimesPostRequestBody

Query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters
Configuration = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetRequestConfiguration


def at(moment):
    return DateTimeTimeZone(date_time=moment.strftime("%Y-%m-%dT%H:%M:%S"), time_zone="UTC")


def address(name):
    return os.environ[f"OFFLINE365_CONTOSO_{name}"]


async def events(house):
    listed = (await house.client.me.events.get()).value
    hold("/me/events", listed and all(event.start.time_zone for event in listed), listed)
    now = datetime.datetime.now(datetime.timezone.utc)
    window = [(now + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-30, 30)]
    query = Query(start_date_time=window[0], end_date_time=window[1], top=50)
    view = (await house.client.me.calendar_view.get(Configuration(query_parameters=query))).value
    hold("/me/calendarView opens series", "occurrence" in {event.type.value for event in view}, view)
    calendars = (await house.client.me.calendars.get()).value
    hold("/me/calendars", any(calendar.is_default_calendar for calendar in calendars), calendars)


async def times(house):
    attendee = AttendeeBase(email_address=EmailAddress(address=address("BOB")), type=AttendeeType.Required)
    asked = FindMeetingTimesPostRequestBody(attendees=[attendee], meeting_duration=datetime.timedelta(minutes=30))
    found = await house.client.me.find_meeting_times.post(asked)
    hold("findMeetingTimes", found.meeting_time_suggestions, found)
    day = datetime.datetime.now(datetime.timezone.utc)
    asked = GetSchedulePostRequestBody(
        schedules=[address("BOB")], start_time=at(day), end_time=at(day + datetime.timedelta(days=1)), availability_view_interval=60
    )
    schedule = await house.client.me.calendar.get_schedule.post(asked)
    hold("getSchedule", len(schedule.value[0].availability_view) == 24, schedule)


async def writes(house):
    grant = {"tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Calendars.ReadWrite"]}
    await lab("grants/consent", grant)
    house.credential.renew()
    day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    attendee = Attendee(email_address=EmailAddress(address=address("BOB")), type=AttendeeType.Required)
    event = Event(subject="Made by msgraph-sdk", start=at(day), end=at(day + datetime.timedelta(hours=1)), attendees=[attendee])
    made = await house.client.me.events.post(event)
    builder = house.client.me.events.by_event_id(made.id)
    changed = await builder.patch(Event(subject="Changed by msgraph-sdk"))
    hold("an event is made and changed", changed.subject == "Changed by msgraph-sdk" and changed.attendees, changed)
    await builder.delete()
    left = (await house.client.me.events.get()).value
    hold("and is gone", made.id not in {event.id for event in left}, left)


CASES = [events, times, writes]
