"""Every event belongs to one API."""

from rom.model.event_types import EVENT_TYPES, Api, api_of


def test_every_type_of_event_leads_back_to_its_own_api_alone() -> None:
    assert set(EVENT_TYPES) == set(Api)
    every = [(api, name) for api, names in EVENT_TYPES.items() for name in names]
    assert [api_of(name) for _, name in every] == [api for api, _ in every]
    assert len({name for _, name in every}) == len(every)


def test_an_event_nobody_has_named_belongs_to_none() -> None:
    assert api_of("ResourceOrderSurpriseEvent") is None
