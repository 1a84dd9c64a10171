import json

from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from alicloud_emulator.products.rpc.bodies import (
    json_body,
    minute_text,
    time_text,
    time_value,
    xml_body,
)


def test_a_list_repeats_its_element() -> None:
    document = {"Regions": {"Region": [{"Id": "a", "Open": True}, {"Id": "b"}]}, "N": 2}
    assert xml_body("Answer", document).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Answer><Regions><Region><Id>a</Id>'
        "<Open>true</Open></Region><Region><Id>b</Id></Region></Regions><N>2</N></Answer>"
    )
    assert json.loads(json_body(document)) == document


@given(st.text())
def test_any_text_makes_well_formed_bodies(text: str) -> None:
    assert fromstring(xml_body("A", {"Text": text})).find("Text") is not None
    json.loads(json_body({"Text": text}))


def test_times() -> None:
    assert time_text(1_573_798_025.9) == "2019-11-15T06:07:05Z"
    assert minute_text(1_573_798_025) == "2019-11-15T06:07Z"
    assert time_value("2019-11-15T06:07:05Z") == 1_573_798_025
    assert time_value("2019-11-15T06:07Z") == 1_573_798_020
    assert time_value("yesterday") is None
