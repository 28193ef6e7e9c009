package sheet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"regulars/internal/testkit"
)

func sampled(t *testing.T, path string, n int) (Profile, []string) {
	t.Helper()
	r, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := Sample(r, n)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, c := range p.Columns {
		kinds = append(kinds, c.Name+" "+string(c.Kind))
	}
	return p, kinds
}

func TestSampleSaysWhatColumnsHold(t *testing.T) {
	p, kinds := sampled(t, "testdata/square.csv", 1000)
	want := []string{"Date day", "Time time", "Time Zone text", "Gross Sales money", "Net Sales money", "Tip money",
		"Event Type text", "Transaction ID text", "Customer ID text", "Customer Name text", "Refund Reason text"}
	if !slices.Equal(kinds, want) {
		t.Errorf("want %q\ngot  %q", want, kinds)
	}
	if d := p.Columns[0].Dates; d.Order != MonthFirst || d.Ambiguous {
		t.Errorf("8/22/2026 proves that the month comes first: %+v", d)
	}
	if c := p.Columns[3]; c.Currency != "$" || c.Mark != Point || c.Filled != 4 || c.Distinct != 4 {
		t.Errorf("%+v", c)
	}
	if c := p.Columns[8]; c.Empty != 2 || !slices.Equal(c.Examples, []string{"CUST01", "CUST02"}) {
		t.Errorf("%+v", c)
	}
	if !p.Whole || p.Read != 4 || p.Ragged != 0 || len(p.Rows) != 4 || p.Rows[2][10] != "Came \"too late\"\nand cold" {
		t.Errorf("%+v", p)
	}
}

func TestSampleReadsEveryEncoding(t *testing.T) {
	want := []string{"Číslo number", "Zákazník text", "E-mail email", "Telefon phone", "Datum day", "Částka decimal", "Měna currency", "Zaplaceno bool"}
	for _, file := range []string{"testdata/orders-1250.csv", "testdata/orders-utf16.csv"} {
		p, kinds := sampled(t, file, 1000)
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: want %q\ngot  %q", file, want, kinds)
		}
		if c := p.Columns[5]; c.Mark != Comma || p.Rows[1][1] != "Žofie Nováčková" {
			t.Errorf("%s: %+v %q", file, c, p.Rows[1])
		}
	}
}

func TestSampleOfRealFiles(t *testing.T) {
	_, kinds := sampled(t, testkit.Data(t, "online_retail.csv.zst"), 5000)
	want := []string{"InvoiceNo number", "StockCode text", "Description text", "Quantity number", "InvoiceDate moment", "UnitPrice decimal", "CustomerID number", "Country text"}
	if !slices.Equal(kinds, want) {
		t.Errorf("want %q\ngot  %q", want, kinds)
	}
	_, kinds = sampled(t, testkit.Data(t, "cdnow_master.txt"), 5000)
	if want := []string{"customer_id number", "date day", "number_of_cds number", "dollar_value decimal"}; !slices.Equal(kinds, want) {
		t.Errorf("want %q\ngot  %q", want, kinds)
	}
}

func TestSampleToleratesBadRowsAndSaysWhereTheFileEnds(t *testing.T) {
	r := openText(t, "a,b\n1,2\nx\"y,3\n4\n5,6,7\n,\n\"open\n", Options{})
	p, err := Sample(r, 100)
	if err != nil || p.Read != 3 || p.BadRows != 1 || p.Ragged != 2 || p.Whole || p.Ended == nil || p.Bad[0].Line != 3 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestSampleIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,long\n")
	for i := range 30_000 {
		fmt.Fprintf(&text, "%d,%s\n", i, strings.Repeat("ř", 200))
	}
	r := openText(t, text.String(), Options{})
	p, err := Sample(r, 20_000)
	if err != nil || p.Read != 20_000 || p.Whole || p.Columns[0].Distinct != mostDistinct || p.Columns[0].Filled != 20_000 {
		t.Errorf("%d rows, %+v, %v", p.Read, p.Columns[0], err)
	}
	if e := p.Columns[1].Examples[0]; e != strings.Repeat("ř", 100)+"…" {
		t.Errorf("example %q", e)
	}
}
