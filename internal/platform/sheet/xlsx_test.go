package sheet

import (
	"bytes"
	"context"
	"regulars/internal/testkit"
	"slices"
	"strings"
	"testing"
)

func TestWorkbookGivesCellsAsPeopleSeeThem(t *testing.T) {
	r, err := Open(context.Background(), "testdata/orders.xlsx", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if f := r.Format(); f.Kind != "xlsx" || f.Table != "Orders" || !slices.Equal(f.Tables, []string{"Notes", "Orders", "Archive"}) {
		t.Errorf("the first sheet with rows is Orders; got %+v", f)
	}
	want := []string{
		"! Line 2: cell J2 is a formula without a stored result. Open the workbook in a spreadsheet, save it, and try again.",
		"7210448301122|2024-05-01 23:59:59|2025-03-01||1240.5|11000|FALSE|two\nlines  |||",
		"#1002||||||||||",
	}
	if got, err := table(r); err != nil || !slices.Equal(got, want) {
		t.Errorf("want %q\ngot  %q %v", want, got, err)
	}
}

func TestWorkbookNumbersFollowTheirFormat(t *testing.T) {
	cases := []struct{ code, stored, want string }{
		{"General", "17850", "17850"},
		{"General", "0.30000000000000004", "0.3"},
		{"General", "2.5499999999999998", "2.55"},
		{"General", "7.2104483011220001E+18", "7210448301122000000"},
		{"General", "1E-3", "0.001"},
		{"0.00%", "0.15", "0.15"},
		{`#,##0.00\ "Kč"`, "1240.5", "1240.5"},
		{`[$€-407]\ #,##0.00;[Red]-[$€-407]\ #,##0.00`, "-45", "-45"},
		{"00000", "1234", "01234"},
		{"yyyy-mm-dd", "45413", "2024-05-01"},
		{"yyyy-mm-dd hh:mm", "45413.416666666664", "2024-05-01 10:00:00"},
		{`d". "m". "yyyy;@`, "45413", "2024-05-01"},
		{"[$-F800]dddd, mmmm dd, yyyy", "45413", "2024-05-01"},
		{"mmm yy", "45413", "2024-05-01"},
		{"h:mm AM/PM", "0.6041666666666666", "14:30:00"},
		{"[h]:mm:ss", "1.5", "36:00:00"},
		{"yyyy-mm-dd", "1", "1900-01-01"},
		{"yyyy-mm-dd", "61", "1900-03-01"},
		{"yyyy-mm-dd", "-5", "-5"},
		{"0.0E+00", "12345", "12345"},
		{`"day "0`, "3", "3"},
	}
	for _, c := range cases {
		if got := string(formatOf(c.code).append(nil, c.stored, false)); got != c.want {
			t.Errorf("%s as %s: want %s, got %s", c.stored, c.code, c.want, got)
		}
	}
	if got := string(builtinFormat(14).append(nil, "43951", true)); got != "2024-05-01" {
		t.Errorf("43951 counted from 1904 is 2024-05-01; got %s", got)
	}
}

func TestWorkbookCellsOfEveryKind(t *testing.T) {
	rows := `<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c><c r="B1" t="inlineStr"><is><t>Total &amp; tax</t></is></c><c t="str"><v>Note</v></c></row>
<!-- a > comment --><row r="4" spans="1:3"><c r="A4" t="s"><v>1</v></c><c r="B4"><f>1+1</f><v>2</v></c><c r="C4" t="e"><v>#N/A</v></c></row>
<row><c r="C5" t="b"><v>1</v></c></row><row/><row r="9"><c r="A9"/></row>
<x:row r="12"><x:c r="A12" t="s"><x:v>0</x:v></x:c><x:c r="B12" t="d"><x:v>2024-05-01</x:v></x:c></x:row>`
	data := workbook(t, rows, "xl/sharedStrings.xml",
		`<sst><si><t xml:space="preserve"> a_x000D_b&#10;&#x10D; </t></si><si><r><t>東</t></r><r><t>京</t></r><rPh sb="0" eb="2"><t>とうきょう</t></rPh></si></sst>`)
	r, err := OpenFrom(context.Background(), bytes.NewReader(data), int64(len(data)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Name", "Total & tax", "Note"}; !slices.Equal(r.Header(), want) {
		t.Errorf("header: want %q, got %q", want, r.Header())
	}
	var lines []int
	var got []string
	for {
		row, err := r.Next()
		if err != nil {
			break
		}
		lines, got = append(lines, row.Line), append(got, strings.Join(row.Cells, "|"))
	}
	if want := []string{"東京|2|#N/A", "||TRUE", " a\rb\nč |2024-05-01|"}; !slices.Equal(got, want) {
		t.Errorf("want %q\ngot  %q", want, got)
	}
	if want := []int{4, 5, 12}; !slices.Equal(lines, want) {
		t.Errorf("rows keep the numbers a person sees: want %v, got %v", want, lines)
	}
}

func TestSheetIsChosenByName(t *testing.T) {
	r, err := Open(context.Background(), "testdata/orders.xlsx", Options{Table: "archive"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Header()[0] != "hidden" {
		t.Errorf("a hidden sheet can be asked for; got %q", r.Header())
	}
	_, err = Open(context.Background(), "testdata/orders.xlsx", Options{Table: "Orderz"})
	if err == nil || testkit.Sentence(err) != "The workbook has no sheet called Orderz. It has Notes, Orders, Archive." {
		t.Errorf("got %v", err)
	}
}

func FuzzWorkbookNeverPanics(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c></row>`, `<si><t>x</t></si>`, `<xf numFmtId="14"/>`)
	f.Add(`<row r="1"><c r="ZZ1" s="0"><v>45413</v></c><c r="A1" t="s"><v>-1</v></c></row>`, `<si/>`, `<numFmt numFmtId="9" formatCode="[h]"/>`)
	f.Add(`<row><c><f/><v/><is/></c`, `<si><r><![CDATA[ ]]>`, `<xf numFmtId="&#55296;"/>`)
	f.Fuzz(func(t *testing.T, rows, shared, styles string) {
		data := workbook(t, rows, "xl/sharedStrings.xml", "<sst>"+shared+"</sst>", "xl/styles.xml", "<styleSheet><cellXfs>"+styles+"</cellXfs></styleSheet>")
		r, err := OpenFrom(context.Background(), bytes.NewReader(data), int64(len(data)), Options{})
		if err == nil {
			_, _ = table(r)
			r.Close()
		}
	})
}
