package metrics

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse(strings.NewReader(`# HELP redis_up It is.
# TYPE redis_up gauge
redis_up 1
# TYPE seconds histogram
seconds_bucket{cmd="a\"} b=",le="1"} 2
seconds_sum{cmd="get"} 2
# TYPE quiet summary
free{from="{x=\"1\"}"} 3 1700000000
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Set{
		"redis_up": nil, "free": {"from"},
		"seconds_bucket": {"cmd", "le"}, "seconds_sum": {"cmd"}, "seconds_count": nil,
		"quiet": nil, "quiet_sum": nil, "quiet_count": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each list says where it is from, and is as gather would write it, so that gathering changes what is new and no more.
func TestListsAreInOrder(t *testing.T) {
	for _, component := range Components() {
		data, err := os.ReadFile("testdata/" + component + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		comment, set, err := Read(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(comment, "\n") != 1 || !strings.HasPrefix(comment, "# ") {
			t.Errorf("%s: the first line does not say where the list is from", component)
		}
		var b strings.Builder
		merged := Set{}
		merged.Add(set)
		if err := merged.Write(&b, comment); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.String(), string(data)); diff != "" {
			t.Errorf("%s (-as gather writes it +file):\n%s", component, diff)
		}
	}
}

func TestOfAnUnknownComponent(t *testing.T) {
	if _, err := Of("varnish"); err == nil || !strings.Contains(err.Error(), "redis") {
		t.Errorf("%v, want an error that lists what there is", err)
	}
	set, err := Of("redis")
	if _, ok := set["redis_up"]; err != nil || !ok {
		t.Errorf("redis: no redis_up among %d names, %v", len(set), err)
	}
}
