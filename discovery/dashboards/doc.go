/*
Package dashboards collects the dashboards that other charts bring, ConfigMaps with a label that the sidecar of a Grafana looks for,
into one ConfigMap that this release's Grafana mounts. [Collect] is pure; [Controller] keeps the ConfigMap.

# Decision: the controller, not a sidecar

The usual sidecar is a container with a token of the API server beside Grafana, which anyone may reach. The controller has such a
token and watches already. What it costs: all dashboards together have the room of one ConfigMap, and the oldest have room first.
*/
package dashboards
