package importers

import (
	"strings"
	"testing"

	"regulars/internal/platform/sheet"
)

func TestPackedLinesAreTakenApart(t *testing.T) {
	for cell, want := range map[string]struct {
		sku, product string
		quantity     int64
		total        int64
	}{
		`name:Tea \| gift|product_id:19|sku:BOX|quantity:2|total:36.00|sub_total:40.00|tax_data:a:2:{s:5:"total";}`: {"BOX", "Tea | gift", 2000, 4000},
		`name:Spoon|product_id:20|sku:|quantity:0.5|total:9,5`:                                                      {"", "Spoon", 500, 950},
		`product_id:20|quantity:1|total:-3`:                                                                         {"product_id:20", "", 1000, -300},
		`name:12:30 tea|total:1,240.00`:                                                                             {"", "12:30 tea", 1000, 124000},
	} {
		i, err := webToffeeItem(cell, sheet.NoMark, "EUR")
		if err != nil || i.SKU != want.sku || i.Product != want.product || i.Quantity != want.quantity || *i.LineTotal != want.total {
			t.Errorf("%s is %+v, %v", cell, i, err)
		}
	}
	for cell, want := range map[string]struct {
		sku, product string
		quantity     int64
		total        int64
	}{
		"product_id:4959|1|30|size: Medium": {"product_id:4959 size: Medium", "Product 4959 size: Medium", 1000, 3000},
		"TEA-1|2|12,50":                     {"TEA-1", "", 2000, 1250},
	} {
		i, err := skyVergeItem(cell, sheet.NoMark, "EUR")
		if err != nil || i.SKU != want.sku || i.Product != want.product || i.Quantity != want.quantity || *i.LineTotal != want.total {
			t.Errorf("%s is %+v, %v", cell, i, err)
		}
	}
	for _, cell := range []string{"", "|||", "name:Tea|total:many", "name:Tea|quantity:some|total:1"} {
		if i, err := webToffeeItem(cell, sheet.NoMark, "EUR"); err == nil {
			t.Errorf("%q is %+v", cell, i)
		}
	}
	for _, cell := range []string{"", "a|b", "a|1|x", "|1|2"} {
		if i, err := skyVergeItem(cell, sheet.NoMark, "EUR"); err == nil {
			t.Errorf("%q is %+v", cell, i)
		}
	}
}

func TestRefundsPackedInACellAreAddedUp(t *testing.T) {
	for cell, want := range map[string]int64{
		"": 0, "amount:10.00|reason:|date:2024-06-05": 1000, "amount:-2.50|reason:late; broken|date:x;amount:1": 350, "5": 500, "amount:1,240.00": 124000,
	} {
		if got, err := packedRefunds(cell, sheet.NoMark, "EUR"); err != nil || got != want {
			t.Errorf("%q is %d, %v", cell, got, err)
		}
	}
	if _, err := packedRefunds("amount:ten", sheet.NoMark, "EUR"); err == nil {
		t.Error("ten is read")
	}
}

func TestCountedProductsKeepTheCommasOfTheirNames(t *testing.T) {
	items := counted("2× Tea, green, 1× Cup, 10× 3× pack")
	if len(items) != 3 || items[0].Product != "Tea, green" || items[0].Quantity != 2000 || items[1].Product != "Cup" || items[2].Product != "3× pack" || items[2].Quantity != 10000 {
		t.Errorf("%+v", items)
	}
}

func TestBirthdaysAreReadAsShopsAndPhonesWriteThem(t *testing.T) {
	for cell, want := range map[string]string{
		"05/17": "05-17", "17.5.": "05-17", "17/05": "05-17", "--0517": "05-17", "--05-17": "05-17", "1980-05-17": "1980-05-17", "19800517": "1980-05-17",
		"17. 5. 1980": "1980-05-17", "02/30": "", "soon": "", "13/13": "", "02/29": "02-29", "0517": "05-17",
	} {
		if got := birthday(cell, sheet.OrderUnknown); got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
}

func FuzzPackedLinesNeverBreakTheReader(f *testing.F) {
	for _, seed := range []string{`name:Tea \| gift|quantity:2|total:36.00`, "product_id:4959|1|30|size: Medium", "amount:1|reason:;amount:2", "2× Tea, 1× Cup", `\|\;\`, "×,×"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		for _, mark := range []sheet.Mark{sheet.NoMark, sheet.Point, sheet.Comma} {
			if i, err := webToffeeItem(cell, mark, "EUR"); err == nil && (i.SKU == "" && i.Product == "" || i.LineTotal == nil || len(i.Product) > 4*maxProduct) {
				t.Fatalf("%q is the item %+v", cell, i)
			}
			if i, err := skyVergeItem(cell, mark, "JPY"); err == nil && (i.SKU == "" || i.LineTotal == nil) {
				t.Fatalf("%q is the item %+v", cell, i)
			}
			if back, err := packedRefunds(cell, mark, "EUR"); err == nil && back < 0 {
				t.Fatalf("%q gives back %d", cell, back)
			}
		}
		for _, i := range counted(cell) {
			if i.Quantity < 0 || i.LineTotal == nil || strings.Contains(i.Product, "\n") {
				t.Fatalf("%q counts %+v", cell, i)
			}
		}
		_ = birthday(cell, sheet.OrderUnknown)
		_ = splitTags(cell)
	})
}
