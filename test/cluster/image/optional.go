package image

// optional are the parts of the stack that the chart leaves out unless asked.
var optional = []Image{
	{
		Repository: "quay.io/prometheus/blackbox-exporter", Component: "blackbox_exporter", At: "/bin/blackbox_exporter",
		Config: Config{Entrypoint: []string{"/bin/blackbox_exporter"}, Cmd: []string{"--config.file=/etc/blackbox_exporter/config.yml"}},
	},
	{
		Repository: "registry.k8s.io/metrics-server/metrics-server", Component: "metrics-server", At: "/metrics-server",
		Config: Config{Entrypoint: []string{"/metrics-server"}, User: "65534"},
	},
}

// Thanos is an image that no cluster has unless asked for: it takes ten minutes of CPU to build.
var Thanos = Image{
	Repository: "quay.io/thanos/thanos", Component: "thanos", At: "/bin/thanos",
	Config: Config{Entrypoint: []string{"/bin/thanos"}, User: "1001"},
}
