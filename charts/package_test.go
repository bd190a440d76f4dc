package charts_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func TestLint(t *testing.T) {
	version, err := chartutil.ParseKubeVersion(latest)
	if err != nil {
		t.Fatal(err)
	}
	for _, preset := range presets(t) {
		for _, m := range lint.AllWithKubeVersion("outrider", presetValues(t, preset), namespace, version).Messages {
			if m.Severity > support.InfoSev { // the one hint: a chart may have an icon
				t.Errorf("%s: %v", preset, m)
			}
		}
	}
}

// A Secret holds at most 1 MiB, and Helm stores the whole chart in one for each revision of a release, together with what
// it rendered. A release stays under 640 KiB: the rest is for a user's own values, which are stored twice where they are rules or objects.
func TestSize(t *testing.T) {
	const limit = 640 << 10
	c, err := loader.LoadDir("outrider")
	if err != nil {
		t.Fatal(err)
	}
	path, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if packed.Size() > limit {
		t.Errorf("the package has %d bytes, want at most %d", packed.Size(), limit)
	}

	var stored bytes.Buffer
	encoder := base64.NewEncoder(base64.StdEncoding, &stored)
	zip := gzip.NewWriter(encoder)
	if err := json.NewEncoder(zip).Encode(render(t, nil, latest)); err != nil {
		t.Fatal(err)
	}
	zip.Close()
	encoder.Close()
	if stored.Len() > limit {
		t.Errorf("the release's Secret has %d bytes, want at most %d", stored.Len(), limit)
	}
	t.Logf("package %d bytes, release Secret %d bytes", packed.Size(), stored.Len())
}
