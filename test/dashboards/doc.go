/*
Package dashboards holds the Grafana dashboards of the chart as short definitions, and builds the chart's files from them.

Each dashboard is one YAML file of this folder: its variables, and rows of panels, each with its PromQL. To change a panel,
change it here and run "make update", which writes charts/outrider/files/dashboards; a test fails while the two differ. A new
dashboard is a new file, without Go or a template. The dashboard of an exporter has the exporter's name.

[Model] is what Grafana reads. Tests also read a dashboard back with it, from the chart or from a live ConfigMap: [Model.Ask]
sends every query with its variables filled in as Grafana does, and reports which give series.

# Variables

Each dashboard has the variables cluster, job and namespace. The builder adds their matchers to every query, and adds cluster
to every by and on that names a job, instance, namespace, pod or node, so a definition never mentions clusters. "All" of job
is the list of the jobs found: memory of Redis must not include the memory of other programs. "All" of the others is ".*",
which also matches series without the label, such as cluster on a Prometheus that collects from one.

# Decision: definitions instead of exported dashboards

A panel takes about ten lines here and a hundred as exported JSON, which nobody reviews. Units, legends, colors and the layout
come from one place. Refused: jsonnet or a library of builders, another language for what is a list of queries.

# Decision: no padding

No query returns a value when none of its series exist: a green 0 for what nobody measures is worse than no data. A count of
what is down is a sum of comparisons ("== bool 0"), which is 0 if everything is up. Where a healthy system shows nothing, the
panel's key "empty" completes the sentence "No data means that …" in its description. Refused: "or vector(0)" and "0 * x".

# Decision: dashboards that the test cluster cannot fill

A dashboard of a server that cannot run on the test cluster says so with the key "needs": what, and why, and what of it is real
all the same. Its queries are checked against the
metric names of the exporter's own pages or source, and evaluated over generated series like all others.

# Decision: minified files

Helm stores all dashboards in the release's Secret, which is limited to 1 MiB. Users change a dashboard here or in Grafana,
not in the ConfigMap.

# Decision: editable

A dashboard is editable. Grafana reports that a change cannot be saved to the ConfigMap. To try a query in the panel is worth
more than a locked dashboard.

# Decision: no data source is named

Each dashboard has a variable for the data source, which defaults to the default Prometheus of the Grafana it is loaded into.

# Decision: schemaVersion 41

That of Grafana 12.0. Older versions open it, newer ones migrate it.
*/
package dashboards
