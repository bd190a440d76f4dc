package version

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the linker set is printed; what it left out comes from Go's own record.
func TestOr(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-26T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	for name, tc := range map[string]struct{ set, want build }{
		"go build":     {build{}, build{"v1.2.3", "abc-dirty", "2026-11-26T00:00:00Z"}},
		"all":          {build{"0.3.0", "def", "today"}, build{"0.3.0", "def", "today"}},
		"version only": {build{version: "0.3.0"}, build{"0.3.0", "abc-dirty", "2026-11-26T00:00:00Z"}},
	} {
		if diff := cmp.Diff(tc.want, tc.set.or(info), cmp.AllowUnexported(build{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
