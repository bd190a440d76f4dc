package dashboards

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// mostBytes is how large the files are together, where a ConfigMap holds 1 MiB.
const mostBytes = 900 << 10

// Collect returns the dashboards of ConfigMaps, their keys *.json, as the data of one: by NAMESPACE.NAME.KEY, or by a hash of that where
// it is too long for a key. The oldest ConfigMaps have room first. left are sentences about what is not taken.
func Collect(maps []corev1.ConfigMap) (files map[string]string, left []string) {
	files = map[string]string{}
	room := mostBytes
	maps = slices.SortedFunc(slices.Values(maps), func(a, b corev1.ConfigMap) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	for _, m := range maps {
		for _, key := range sortedKeys(m.Data) {
			if !strings.HasSuffix(key, ".json") {
				continue
			}
			name, text := m.Namespace+"."+m.Name+"."+key, m.Data[key]
			var dashboard map[string]any
			switch size := len(name) + len(text); {
			case json.Unmarshal([]byte(text), &dashboard) != nil:
				left = append(left, fmt.Sprintf("%s of ConfigMap %s/%s is no JSON object", key, m.Namespace, m.Name))
			case size > room:
				left = append(left, fmt.Sprintf("%s of ConfigMap %s/%s has %d bytes, and %d of %d are left: name the ConfigMap in grafana.dashboardConfigMaps", key, m.Namespace, m.Name, size, room, mostBytes))
			default:
				if len(validation.IsConfigMapKey(name)) > 0 {
					name = fmt.Sprintf("%x.json", sha256.Sum256([]byte(name)))
				}
				files[name] = text
				room -= size
			}
		}
	}
	return files, left
}

func sortedKeys(data map[string]string) []string {
	keys := make([]string, 0, len(data))
	for key := range data {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
