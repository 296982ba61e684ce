"""Who may use each operation, and how it keeps a client's limits, written out line by line."""

from api.access.permissions import PERMISSIONS, Reach, Rule, declared
from api.access.principal import Role

BASES = {
    "<ordering>": (
        "/tmf-api/resourceOrdering/v4",
        "/tmf-api/resourceOrderingManagement/v4",
    ),
    "<inventory>": ("/tmf-api/resourceInventoryManagement/v4",),
    "<catalog>": ("/tmf-api/resourceCatalog/v4", "/tmf-api/resourceCatalogManagement/v4"),
}
EVERYBODY = "som noc approver admin reader"
MATRIX = f"""
GET    <ordering>/resourceOrder                      query    {EVERYBODY}
POST   <ordering>/resourceOrder                      query    som admin
GET    <ordering>/resourceOrder/{{order_id}}           path     {EVERYBODY}
PATCH  <ordering>/resourceOrder/{{order_id}}           path     som admin
DELETE <ordering>/resourceOrder/{{order_id}}           path     som admin
GET    <ordering>/cancelResourceOrder                query    {EVERYBODY}
POST   <ordering>/cancelResourceOrder                query    som noc admin
GET    <ordering>/cancelResourceOrder/{{cancel_id}}    path     {EVERYBODY}
POST   <ordering>/hub                                query    som noc admin
DELETE <ordering>/hub/{{hub_id}}                       query    som noc admin
GET    <inventory>/resource                          query    {EVERYBODY}
GET    <inventory>/resource/{{resource_id}}            path     {EVERYBODY}
PATCH  <inventory>/resource/{{resource_id}}            path     noc admin
POST   <inventory>/hub                               query    som noc admin
DELETE <inventory>/hub/{{hub_id}}                      query    som noc admin
GET    <catalog>/resourceSpecification               nothing  {EVERYBODY}
GET    <catalog>/resourceSpecification/{{specification_id}} nothing {EVERYBODY}
POST   <catalog>/resourceSpecification               refused  admin
PATCH  <catalog>/resourceSpecification/{{specification_id}} refused admin
DELETE <catalog>/resourceSpecification/{{specification_id}} refused admin
POST   <catalog>/hub                                 query    som noc admin
DELETE <catalog>/hub/{{hub_id}}                        query    som noc admin
GET    /rom/v1/orders/{{order_id}}/report              path     {EVERYBODY}
GET    /rom/v1/orders/{{order_id}}/events              path     {EVERYBODY}
POST   /rom/v1/orders/{{order_id}}/retry               path     noc admin
POST   /rom/v1/orders/{{order_id}}/items/{{item_id}}/retry    path noc admin
POST   /rom/v1/orders/{{order_id}}/items/{{item_id}}/complete path noc admin
POST   /rom/v1/orders/{{order_id}}/items/{{item_id}}/cancel   path noc admin
POST   /rom/v1/orders/{{order_id}}/devices/{{device:path}}/giveUp  path noc admin
POST   /rom/v1/sites/{{site}}/reapply                  path     noc admin
POST   /rom/v1/sites/{{site}}/rotateSecret             path     noc admin
POST   /rom/v1/sites/{{site}}/repair                   path     noc admin
GET    /rom/v1/sites/{{site}}/rollbackPreview          path     noc approver admin reader
GET    /rom/v1/sites/{{site}}/snapshots                path     noc approver admin reader
GET    /rom/v1/sites/{{site}}/diff                     path     noc approver admin reader
POST   /rom/v1/siteRollback                          query    noc approver admin
GET    /rom/v1/siteRollback/{{task_id}}                path     noc approver admin reader
GET    /rom/v1/siteRollback/{{task_id}}/events         path     noc approver admin reader
GET    /rom/v1/devices                               refused  noc approver admin reader
POST   /rom/v1/deviceCheck                           refused  noc admin
GET    /rom/v1/pools                                 refused  noc approver admin reader
GET    /rom/v1/inventory                             refused  admin
POST   /rom/v1/inventory                             refused  admin
GET    /rom/v1/hub                                   refused  noc admin
POST   /rom/v1/hub                                   refused  noc admin
GET    /rom/v1/hub/{{hub_id}}                          refused  noc admin
DELETE /rom/v1/hub/{{hub_id}}                          refused  noc admin
GET    /rom/v1/deadLetters                           refused  noc admin
GET    /rom/v1/deadLetters/{{letter_id}}               refused  noc admin
POST   /rom/v1/deadLetters/replay                    refused  noc admin
POST   /rom/v1/devices                               refused  admin
POST   /rom/v1/devices/{{device:path}}/test                 refused  noc admin
POST   /rom/v1/devices/{{device:path}}/trust                refused  admin
GET    /rom/v1/secrets                               refused  noc admin
PUT    /rom/v1/secrets/{{name:path}}                   refused  admin
POST   /rom/v1/secrets/{{name:path}}/rotate            refused  admin
DELETE /rom/v1/secrets/{{name:path}}                   refused  admin
GET    /rom/v1/audit                                 refused  noc approver admin reader
GET    /rom/v1/audit/verification                    refused  noc approver admin reader
GET    /rom/v1/audit/export                          refused  noc approver admin reader
GET    /rom/v1/audit/{{place}}                         refused  noc approver admin reader
GET    /rom/v1/events/stream                         query    {EVERYBODY}
GET    /ztp/v1/{{token}}/ztp.py                        nothing  routers
GET    /ztp/v1/{{token}}/config/{{serial}}               nothing  routers
GET    /ztp/v1/{{token}}/sha512/{{serial}}               nothing  routers
GET    /ztp/v1/{{token}}/exec/{{serial}}                 nothing  routers
GET    /ztp/v1/{{token}}/event/{{serial}}/{{name}}         nothing  routers
HEAD   /ztp/v1/{{token}}/ztp.py                        nothing  routers
HEAD   /ztp/v1/{{token}}/config/{{serial}}               nothing  routers
HEAD   /ztp/v1/{{token}}/sha512/{{serial}}               nothing  routers
HEAD   /ztp/v1/{{token}}/exec/{{serial}}                 nothing  routers
GET    /healthz                                      nothing  anybody
GET    /livez                                        nothing  anybody
GET    /readyz                                       nothing  anybody
GET    /metrics                                      refused  noc admin reader
GET    /openapi.json                                 nothing  {EVERYBODY}
"""


def written() -> dict[tuple[str, str], Rule]:
    rules = {}
    for line in MATRIX.strip().splitlines():
        method, place, reach, *names = line.split()
        base, slash, rest = place.partition("/")
        roles = None if names in (["anybody"], ["routers"]) else frozenset(map(Role, names))
        rule = Rule(
            roles,
            Reach[reach.upper()],
            writes=method not in ("GET", "HEAD"),
            boots=names == ["routers"],
        )
        for prefix in BASES.get(base, (base,)):
            rules[method, f"{prefix}{slash}{rest}"] = rule
    return rules


def test_every_operation_is_for_the_roles_that_are_written_here_and_for_nobody_else() -> None:
    found, expected = declared(), written()
    differing = {
        " ".join(operation): (found.get(operation), expected.get(operation))
        for operation in found.keys() | expected.keys()
        if found.get(operation) != expected.get(operation)
    }
    assert differing == {}


def test_the_application_goes_by_what_is_declared() -> None:
    assert declared() == PERMISSIONS
