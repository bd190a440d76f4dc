/*
Package dashboards holds the Grafana dashboards of the chart as short definitions, and builds the chart's files from them.

Each dashboard is one YAML file of this folder: its variables, and rows of panels, each with what it asks Prometheus. To
change a panel, change it here and run "make update", which writes charts/outrider/files/dashboards; a test fails while
the two differ. A new dashboard is a new file, and no Go and no template.

[Model] is what Grafana reads. It is also how tests read a dashboard back, from the chart or from a live ConfigMap:
[Model.Silent] asks for all that it shows, with the variables filled in as Grafana does, and tells what gives nothing.

# Decisions

Definitions rather than dashboards exported from Grafana. A panel is about ten lines here and a hundred there, which
nobody reviews; units, legends, colours and the layout come from one place and so are alike. Refused: jsonnet or a
library of builders, a language more for what is a list of queries.

The files in the chart are minified. A user changes a dashboard here or in Grafana, not in the ConfigMap, and Helm keeps
all of them in the release's Secret.

A dashboard is editable. What is saved in Grafana does not reach the ConfigMap, and Grafana says so; to try a query out
in the panel is worth more than a locked one.

No datasource is named: each dashboard has a variable for it, which is the default Prometheus of whatever Grafana it lands
in. Panels of one exporter ask by metric name, namespace and pod, not by job, so that they work under any scrape
configuration that keeps those two labels. "All" is the list of what the variable found and not ".*": a panel on the
memory of Redis' pods must not show everybody's.

A panel shows something in a healthy system. One that is empty until something breaks cannot be told from one that is
broken, so a count of bad things says 0: "or vector(0)", or a sum over counters that are there from the start.

No dashboard for what cannot run on the test cluster (MongoDB, Elasticsearch, Kafka, PHP-FPM, Traefik): none of its panels
would have been seen to show anything.

schemaVersion is 41, that of Grafana 12.0. Older ones open it, newer ones migrate it when it is opened.
*/
package dashboards
