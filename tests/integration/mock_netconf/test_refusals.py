"""What an OLT refuses at commit, each with the place and the reason; and nothing changes."""

from typing import Any

import pytest

from mock_devices.netconf import NetconfDevice

OTHER_PON = (
    '<interfaces xmlns="{0}"><interface><name>CPART-2-9</name>'
    '<type xmlns:xt="urn:bbf:yang:bbf-xpon-if-type">xt:channel-partition</type>'
    '<channel-partition xmlns="{1}"><channel-group-ref>CG-2-8</channel-group-ref>'
    "</channel-partition></interface></interfaces>"
)


async def refused_commit(lab: Any, client: Any) -> list[dict[str, Any]]:
    with pytest.raises(lab.RefusedError) as refused:
        await client.commit()
    errors: list[dict[str, Any]] = refused.value.errors
    return errors


@pytest.mark.parametrize(
    ("right", "wrong", "app_tag", "place"),
    [
        ("<interface>venet-A<", "<interface>venet-Z<", "instance-required",
         "gemport[bbf-xpongemtcont:name='gem-A']/bbf-xpongemtcont:interface"),
        ("ref>BE<", "ref>NONE<", "instance-required",
         "tcont[bbf-xpongemtcont:name='tcont-A']/bbf-xpongemtcont:traffic-descriptor-profile-ref"),
        ("<channel-partition>CPART-2-8<", "<channel-partition>CG-2-8<", "must-violation",
         "interface[if:name='vani-A']/bbf-xponvani:v-ani/bbf-xponvani:channel-partition"),
        ("<onu-id>17<", "<onu-id>254<", "must-violation",
         "interface[if:name='vani-A']/bbf-xponvani:v-ani"),
        ("<type>xt:v-ani</type>", "", None, "interface[if:name='vani-A']/if:type"),
        ("<type>xt:olt-v-enet</type>", "<type>xt:channel-pair</type>", None,
         "interface[if:name='venet-A']/bbf-xponvani:olt-v-enet"),
    ],
)  # fmt: skip
def test_a_wrong_bearer_is_refused_with_its_place(
    on_olt: Any, lab: Any, olt: NetconfDevice, right: str, wrong: str, app_tag: str, place: str
) -> None:
    async def session(client: Any) -> None:
        before = olt.running_xml()
        content = lab.bearer("A", 17).replace(right, wrong)
        assert content != lab.bearer("A", 17)
        await client.edit(content)
        errors = await refused_commit(lab, client)
        assert any(
            error["error-path"].endswith(place) and error.get("error-app-tag") == app_tag
            for error in errors
        ), errors
        assert olt.running_xml() == before

    on_olt(session)


def test_ids_are_unique_within_a_pon_and_free_on_the_next(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        await client.edit(OTHER_PON.format(lab.IF, lab.XPON))
        await client.edit(lab.bearer("A", 17))
        await client.commit()
        await client.edit(lab.bearer("B", 17))
        errors = await refused_commit(lab, client)
        assert [error["error-app-tag"] for error in errors] == ["data-not-unique"] * 3
        assert [error["error-path"].rpartition("'")[0].rpartition("'")[2] for error in errors] == [
            "vani-B",
            "tcont-B",
            "gem-B",
        ]
        await client.rpc("<discard-changes/>")
        await client.edit(lab.bearer("B", 17).replace("CPART-2-8", "CPART-2-9"))
        await client.commit()

    on_olt(session)


def test_a_tcont_in_use_by_another_gemport_cannot_be_removed(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        await client.edit(lab.bearer("A", 17))
        foreign = "<gemport><name>noc</name><tcont-ref>tcont-A</tcont-ref></gemport>"
        gemports = f'<xpongemtcont xmlns="{lab.GEM}"><gemports>{foreign}</gemports></xpongemtcont>'
        await client.edit(gemports)
        await client.commit()
        await client.edit(lab.no_bearer("A"))
        errors = await refused_commit(lab, client)
        assert [error["error-tag"] for error in errors] == ["data-missing"]
        assert "'noc'" in errors[0]["error-path"]

    on_olt(session)
