package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/shapes/rows"
)

func main() {
	row := flag.String("row", "", "print the pod of FAMILY/NAME and what is decided about it")
	flag.Parse()
	if err := run(os.Stdout, *row); err != nil {
		fmt.Fprintln(os.Stderr, "shapes:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, name string) error {
	all, err := rows.Load()
	if err != nil {
		return err
	}
	if name == "" {
		_, err = report(out, all)
		return err
	}
	i := slices.IndexFunc(all, func(r rows.Row) bool { return r.Family+"/"+r.Name == name })
	if i < 0 {
		return fmt.Errorf("no row is named %q", name)
	}
	raw, err := yaml.Marshal(all[i].Pod)
	if err != nil {
		return err
	}
	r, err := rows.Judge(all[i])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n# want %s\n# got  %v\n# %s\n", raw, wants(r.Want), r.Got, strings.Join(r.Messages, "\n# "))
	return err
}

// report prints the score by family and each row that is wrong, and returns the sum.
func report(out io.Writer, all []rows.Row) (rows.Score, error) {
	var total rows.Score
	families := map[string]*rows.Score{}
	var order []string
	var wrong []rows.Result
	for _, row := range all {
		r, err := rows.Judge(row)
		if err != nil {
			return total, fmt.Errorf("%s: %w", row.Name, err)
		}
		if families[row.Family] == nil {
			families[row.Family] = &rows.Score{}
			order = append(order, row.Family)
		}
		families[row.Family].Add(r)
		total.Add(r)
		if !r.Right || r.Copied || !r.Mirror {
			wrong = append(wrong, r)
		}
	}
	for _, r := range wrong {
		fmt.Fprintf(out, "%s/%s\n  want %s\n  got  %v\n", r.Family, r.Name, wants(r.Want), r.Got)
		for _, message := range r.Messages {
			fmt.Fprintf(out, "       %s\n", message)
		}
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "family\trows\tright\t%\twrong accounts\tproxies\tcopied\tnot removed\t\n")
	for _, family := range order {
		line(table, family, *families[family])
	}
	line(table, "all", total)
	return total, table.Flush()
}

func line(out io.Writer, family string, s rows.Score) {
	fmt.Fprintf(out, "%s\t%d\t%d\t%.1f\t%d\t%d\t%d\t%d\t\n", family, s.Rows, s.Right, s.Percent(), s.WrongAccounts, s.Proxies, s.Copied, s.Unremoved)
}

func wants(answers []rows.Answer) string {
	texts := make([]string, len(answers))
	for i, a := range answers {
		texts[i] = a.String()
	}
	return strings.Join(texts, " or ")
}
