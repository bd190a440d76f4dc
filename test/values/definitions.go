package values

import (
	"maps"
	"reflect"
	"strings"

	alertmanager "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/relabel"
)

// expression is a regular expression, which Prometheus would refuse with all of its configuration.
var expression = schema{"type": "string", "format": "regex"}

// definitions are the shapes that several keys have.
var definitions = map[string]schema{
	"name":         {"description": "A DNS label.", "type": "string", "maxLength": 63, "pattern": `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`},
	"objectName":   {"description": "A name of an object.", "type": "string", "maxLength": 253, "pattern": `^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`},
	"optionalName": {"description": "A name of an object, or empty.", "type": "string", "maxLength": 253, "pattern": `^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$`},
	"url":          {"description": "An address, or empty.", "type": "string", "pattern": `^(https?://[^/ ]+(/[^ ]*)?)?$`},
	"labels": {
		"description": "Labels, whose values have at most 63 letters, digits, hyphens, underscores and dots.", "type": "object",
		"propertyNames":        pattern(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`),
		"additionalProperties": pattern(`^([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)?$`),
	},
	"claimRetention": object(schema{"whenDeleted": enum("Retain", "Delete"), "whenScaled": enum("Retain", "Delete")}),
	"keysByKind":     {"type": "object", "additionalProperties": nonEmpty(set(pattern(`^(\*|[a-zA-Z0-9]([a-zA-Z0-9./_-]*[a-zA-Z0-9])?)$`)))},
	"timings": object(schema{
		"initialDelaySeconds": integer(0, 3600), "periodSeconds": integer(1, 3600), "timeoutSeconds": integer(1, 3600),
		"failureThreshold": integer(1, 1000), "successThreshold": integer(1, 100),
	}),
	"path":      {"description": "A path.", "type": "string", "pattern": `^/[^ ?#]*$`},
	"strings":   {"type": "object", "additionalProperties": schema{"type": "string"}},
	"duration":  {"description": "As Prometheus writes it: 30s, 1h30m, 7d.", "type": "string", "minLength": 2, "pattern": `^([0-9]{1,2}y)?([0-9]{1,3}w)?([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?([0-9]{1,9}ms)?$`},
	"time":      {"description": "As Go writes it, above zero: 500ms, 30s, 1h.", "type": "string", "pattern": `^[1-9][0-9]*(ms|s|m|h)$`},
	"quantity":  {"description": "As Kubernetes writes it: 8Gi.", "type": "string", "pattern": `^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$`},
	"addresses": set(schema{"description": "An IP address.", "type": "string", "pattern": `^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$`}),
	"image": object(schema{
		"registry":   doc("Registry host; global.imageRegistry goes before it.", pattern(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?$`)),
		"repository": doc("Path of the image in the registry.", pattern(`^[a-z0-9]+([._/-]+[a-z0-9]+)*$`)),
		"tag":        schema{"description": "Tag, never latest.", "type": "string", "pattern": `^([a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?$`, "not": schema{"const": "latest"}},
		"digest":     doc("Digest; it decides where tag and digest differ.", pattern(`^(sha256:[a-f0-9]{64})?$`)),
	}),
	"web": object(schema{
		"configSecret": doc("Name of the Secret.", ref("optionalName")),
		"scheme":       doc("https where the configuration has TLS.", enum("http", "https")),
		"user":         doc("The chart's own clients log in as this user.", pattern(`^[^:]*$`)),
	}),
	"service": object(schema{
		"type":            doc("Who can reach it.", enum("ClusterIP", "NodePort", "LoadBalancer")),
		"nodePort":        doc("Port on every node; 0 leaves it to the cluster.", integer(0, 65535)),
		"ipFamilyPolicy":  doc("Whether it has addresses of one family or two; empty means the cluster's way.", enum("", "SingleStack", "PreferDualStack", "RequireDualStack")),
		"ipFamilies":      doc("Families of its addresses, the first one first; empty means the cluster's.", set(enum("IPv4", "IPv6"))),
		"sessionAffinity": doc("ClientIP keeps a client at one copy.", enum("None", "ClientIP")),
		"annotations":     ref("strings"),
		"spec":            doc("Further fields of its spec, or in place of the chart's.", free),
	}),
	"ingress": object(schema{
		"host":        doc("Name of the host; empty: no Ingress.", ref("host")),
		"path":        doc("Prefix of the paths that go there.", ref("path")),
		"className":   doc("IngressClass; empty means the cluster's default.", ref("optionalName")),
		"tlsSecret":   doc("Secret with the host's certificate; empty: no TLS.", ref("optionalName")),
		"annotations": ref("strings"),
	}),
	"route": object(schema{
		"host": doc("Name of the host; empty means whatever the gateway listens for.", ref("host")),
		"path": doc("Prefix of the paths that go there.", ref("path")),
		"gateways": doc("Gateways that it hangs on; empty: no HTTPRoute.", list(object(schema{
			"name": ref("objectName"), "namespace": ref("name"), "sectionName": ref("objectName"),
		}, "name"))),
		"annotations": ref("strings"),
	}),
	"host":      {"description": "A name in the DNS, or empty.", "type": "string", "pattern": `^(([a-z0-9*]([a-z0-9-]*[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$`},
	"resources": object(schema{"requests": ref("amounts"), "limits": ref("amounts")}),
	"amounts": {
		"description": "Amounts of cpu, memory and other resources, as Kubernetes writes them: 50m, 128Mi.",
		"type":        "object", "additionalProperties": schema{"type": []string{"string", "number"}, "pattern": `^[0-9]+(\.[0-9]+)?([munkKMGTPE]i?|[eE][0-9]+)?$`},
	},
	"matchers": list(doc("As in severity=\"critical\".", pattern(`(=|!~)`))),
	"alertmanagerConfig": object(keysOf[alertmanager.Config](schema{
		"route":     schema{"allOf": []schema{ref("alertRoute"), {"required": []string{"receiver"}}}},
		"receivers": list(ref("receiver")), "inhibit_rules": list(ref("inhibitRule")),
	})),
	"alertRoute": object(keysOf[alertmanager.Route](schema{
		"receiver": schema{"type": "string", "minLength": 1}, "matchers": ref("matchers"), "routes": list(ref("alertRoute")),
	})),
	"inhibitRule": object(keysOf[common.InhibitRule](schema{"source_matchers": ref("matchers"), "target_matchers": ref("matchers")})),
	"receiver": {
		"type": "object", "required": []string{"name"}, "additionalProperties": false,
		"properties":        schema{"name": schema{"type": "string", "minLength": 1}, "labels": ref("strings")},
		"patternProperties": schema{`^[a-z0-9]+_configs$`: list(free)},
	},
	"job": {
		"type": "object", "required": []string{"job_name"}, "additionalProperties": false,
		"properties": keysOf[config.ScrapeConfig](schema{
			"static_configs": list(object(schema{
				"targets": list(schema{"type": "string"}), "labels": ref("strings"),
			})),
			"relabel_configs":        ref("relabeling"),
			"metric_relabel_configs": ref("relabeling"),
		}),
		"patternProperties": schema{`^[a-z0-9_]+_sd_configs$`: list(free)},
		// With rules, the target may be a URL for another to probe.
		"if": schema{"not": schema{"required": []string{"relabel_configs"}}},
		"then": schema{"properties": schema{"static_configs": list(schema{"properties": schema{
			"targets": list(doc("HOST:PORT; scheme and path are keys of the job.", schema{"pattern": `^([^/]+|[^/]+://[^/]*@.*)$`})),
		}})}},
	},
	"relabeling": {"type": []string{"array", "null"}, "items": object(keysOf[relabel.Config](schema{
		"regex":  schema{"format": "regex"},
		"action": pattern(`^([Rr]eplace|[Kk]eep|[Dd]rop|[Kk]eep[Ee]qual|[Dd]rop[Ee]qual|[Hh]ash[Mm]od|[Ll]abel[Mm]ap|[Ll]abel[Dd]rop|[Ll]abel[Kk]eep|[Ll]owercase|[Uu]ppercase)$`),
	}))},
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

// keysOf are the keys of a program's own type of its configuration, with the schemas of those that are known closer.
func keysOf[T any](known schema) schema {
	all := schema{}
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			switch name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); {
			case options == "inline" && t.Field(i).Type.Kind() == reflect.Struct:
				add(t.Field(i).Type)
			case name != "" && name != "-":
				all[name] = schema{}
			}
		}
	}
	add(reflect.TypeFor[T]())
	maps.Copy(all, known)
	return all
}
