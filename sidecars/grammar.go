package sidecars

import (
	"regexp"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// The grammar of texts in a definition, as the CRD has it: what the API server
// refuses is refused from a file too.
var (
	imageTag    = regexp.MustCompile(`^[^@: ]+(:[0-9]+/[^@: ]+)?:[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`)
	imageDigest = regexp.MustCompile(`^[^@: ]+(:[0-9]+/[^@: ]+)?(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?@sha256:[0-9a-f]{64}$`)
	seriesName  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
)

// validateTexts checks the grammar of a definition's texts.
func validateTexts(spec v1alpha1.ExporterSpec, bad *problems) {
	if image := spec.Image; image != "" && !imageDigest.MatchString(image) && (!imageTag.MatchString(image) || strings.HasSuffix(image, ":latest")) {
		bad.add("spec.image", "%q: the image must be pinned: a tag other than latest, or a sha256 digest", image)
	}
	if spec.UpMetric != "" && !seriesName.MatchString(spec.UpMetric) {
		bad.add("spec.upMetric", "%q is not the name of a series", spec.UpMetric)
	}
}
