package usage

import "testing"

func TestLevels(t *testing.T) {
	const most = 1000
	for i, c := range []struct {
		before level
		series int
		want   level
	}{
		{within, 0, within}, {within, 799, within}, {within, 800, near}, {within, 1000, near}, {within, 1001, exhausted}, {within, 1 << 40, exhausted},
		{near, 799, within}, {near, 900, near}, {near, 1001, exhausted},
		{exhausted, 1001, exhausted}, {exhausted, 1000, exhausted}, {exhausted, 800, exhausted}, {exhausted, 799, within}, {exhausted, 0, within},
	} {
		if got := levelAfter(c.before, c.series, most); got != c.want {
			t.Errorf("case %d: %d of %d after %q is %q, want %q", i, c.series, most, c.before, got, c.want)
		}
	}
	if got := levelAfter(within, 1, 1); got != near {
		t.Errorf("1 of 1 is %q", got)
	}
}
