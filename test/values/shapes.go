package values

import "strings"

// schema is a JSON schema, or a part of one.
type schema map[string]any

// shapes are the schemas of keys whose default does not show all that may stand there, by path. Paths that begin with
// "*." are for that key of every component. Without a shape a key has the type of its default.
var shapes = map[string]schema{
	"*.affinity":                  ref("affinity"),
	"*.enabled":                   {"type": "boolean"},
	"*.extraArgs":                 list(pattern(`^-`)),
	"*.image":                     ref("image"),
	"*.nodeSelector":              ref("strings"),
	"*.podAnnotations":            ref("strings"),
	"*.podLabels":                 ref("strings"),
	"*.priorityClassName":         pattern(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$`),
	"*.replicas":                  integer(1, 20),
	"*.resources":                 ref("resources"),
	"*.serviceAccount":            object(schema{"annotations": ref("strings")}),
	"*.tolerations":               ref("tolerations"),
	"*.topologySpreadConstraints": ref("topologySpreadConstraints"),

	"global.imageRegistry":    pattern(`^([a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?)?$`),
	"global.imagePullSecrets": list(object(schema{"name": ref("objectName")}, "name")),
	"fullnameOverride":        {"type": "string", "maxLength": 40, "pattern": `^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$`},

	"discovery.mode": enum("bundled", "none"),

	"webhook.timeoutSeconds":     integer(1, 5),
	"webhook.failurePolicy":      enum("Ignore", "Fail"),
	"webhook.excludedNamespaces": set(ref("name")),

	"certs.mode":       enum("self-signed", "cert-manager", "secret"),
	"certs.secretName": pattern(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$`),
	"certs.certManager.issuerRef": object(schema{
		"name": schema{"type": "string"}, "kind": schema{"type": "string", "minLength": 1}, "group": schema{"type": "string", "minLength": 1},
	}),
	"certs.caLifetime":      ref("goDuration"),
	"certs.servingLifetime": ref("goDuration"),
	"certs.settleTime":      ref("goDuration"),

	"sidecars.imagePullSecrets": list(ref("objectName")),

	"controller.logLevel": enum("error", "info", "debug"),

	"prometheus.scrapeInterval":   ref("duration"),
	"prometheus.retention.time":   ref("duration"),
	"prometheus.retention.size":   pattern(`^[0-9]+(B|KB|MB|GB|TB|PB)$`),
	"prometheus.persistence.mode": enum("emptyDir", "claim"),
	"prometheus.persistence.size": ref("quantity"),

	"nodeExporter.port":             integer(1, 65535),
	"nodeExporter.mountPropagation": enum("HostToContainer", "None"),

	"kubeStateMetrics.collectors": nonEmpty(set(enum(
		"certificatesigningrequests", "configmaps", "cronjobs", "daemonsets", "deployments", "endpointslices",
		"horizontalpodautoscalers", "ingresses", "jobs", "leases", "limitranges", "mutatingwebhookconfigurations",
		"namespaces", "networkpolicies", "nodes", "persistentvolumeclaims", "persistentvolumes", "poddisruptionbudgets",
		"pods", "replicasets", "replicationcontrollers", "resourcequotas", "services", "statefulsets", "storageclasses",
		"validatingwebhookconfigurations", "volumeattachments",
	))),
}

// definitions are the shapes that several keys have.
var definitions = map[string]schema{
	"name":       {"description": "A DNS label.", "type": "string", "maxLength": 63, "pattern": `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`},
	"objectName": {"description": "A name of an object.", "type": "string", "pattern": `^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`},
	"strings":    {"type": "object", "additionalProperties": schema{"type": "string"}},
	"duration":   {"description": "As Prometheus writes it: 30s, 1h30m, 7d.", "type": "string", "pattern": `^([0-9]+(ms|s|m|h|d|w|y))+$`},
	"goDuration": {"description": "As Go writes it: 30s, 1h30m, 24h.", "type": "string", "pattern": `^([0-9]+(ms|s|m|h))+$`},
	"quantity":   {"description": "As Kubernetes writes it: 8Gi.", "type": "string", "pattern": `^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$`},
	"image": object(schema{
		"registry":   doc("Registry host; global.imageRegistry goes before it.", pattern(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?$`)),
		"repository": doc("Path of the image in the registry.", pattern(`^[a-z0-9]+([._/-]+[a-z0-9]+)*$`)),
		"tag":        schema{"description": "Tag, never latest.", "type": "string", "pattern": `^([a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?$`, "not": schema{"const": "latest"}},
		"digest":     doc("Digest; it decides where tag and digest differ.", pattern(`^(sha256:[a-f0-9]{64})?$`)),
	}),
	"resources": object(schema{"requests": ref("amounts"), "limits": ref("amounts")}),
	"amounts": {
		"description": "Amounts of cpu, memory and other resources, as Kubernetes writes them: 50m, 128Mi.",
		"type":        "object", "additionalProperties": schema{"type": []string{"string", "number"}, "pattern": `^[0-9]+(\.[0-9]+)?([munkKMGTPE]i?|[eE][0-9]+)?$`},
	},
	"tolerations": list(object(schema{
		"key": schema{"type": "string"}, "operator": schema{"type": "string"}, "value": schema{"type": "string"},
		"effect": enum("NoSchedule", "PreferNoSchedule", "NoExecute"), "tolerationSeconds": schema{"type": "integer"},
	})),
	"affinity": object(schema{"nodeAffinity": free, "podAffinity": free, "podAntiAffinity": free}),
	"topologySpreadConstraints": list(object(schema{
		"maxSkew": integer(1, 1000), "minDomains": integer(1, 1000), "topologyKey": schema{"type": "string"},
		"whenUnsatisfiable":  enum("DoNotSchedule", "ScheduleAnyway"),
		"labelSelector":      doc("As in a pod's spec; left out, it is the component's own pods.", free),
		"matchLabelKeys":     list(schema{"type": "string"}),
		"nodeAffinityPolicy": enum("Honor", "Ignore"), "nodeTaintsPolicy": enum("Honor", "Ignore"),
	}, "maxSkew", "topologyKey", "whenUnsatisfiable")),
}

// free is a map as the Kubernetes API has it; the API server says what is wrong in it.
var free = schema{"type": "object"}

func shapeOf(path string, component bool) (schema, bool) {
	if s, ok := shapes[path]; ok {
		return s, true
	}
	if _, key, ok := strings.Cut(path, "."); ok && component {
		s, ok := shapes["*."+key]
		return s, ok
	}
	return nil, false
}

func ref(name string) schema       { return schema{"$ref": "#/definitions/" + name} }
func enum(values ...string) schema { return schema{"enum": values} }
func pattern(p string) schema      { return schema{"type": "string", "pattern": p} }
func integer(least, most int) schema {
	return schema{"type": "integer", "minimum": least, "maximum": most}
}
func list(of schema) schema { return schema{"type": "array", "items": of} }
func set(of schema) schema  { return schema{"type": "array", "items": of, "uniqueItems": true} }

func nonEmpty(s schema) schema {
	s["minItems"] = 1
	return s
}

func doc(text string, s schema) schema {
	with := schema{"description": text}
	for k, v := range s {
		with[k] = v
	}
	return with
}

// object is a map of exactly these keys, of which some must be there.
func object(properties schema, required ...string) schema {
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
