package importers

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
	"regulars/internal/platform/sheet"
	"regulars/internal/platform/text"
)

// Field is something that a column of a file can hold.
type Field string

// The fields, in the order in which the mapping screen offers them.
const (
	Order       Field = "order" // its number
	Date        Field = "date"
	Time        Field = "time" // of day, where the date has none
	Customer    Field = "customer"
	Email       Field = "email"
	Phone       Field = "phone"
	Card        Field = "card"
	Name        Field = "name"
	Given       Field = "given"
	Family      Field = "family"
	Country     Field = "country"
	Language    Field = "language"
	SKU         Field = "sku"
	Product     Field = "product"
	Category    Field = "category"
	Quantity    Field = "quantity"
	Price       Field = "price"      // of one
	LineTotal   Field = "line_total" // of the line
	Total       Field = "total"      // of the order, where rows have no lines
	Discount    Field = "discount"   // of the order, like the next two
	Shipping    Field = "shipping"
	Tax         Field = "tax"
	Refunded    Field = "refunded" // money given back of the order
	Currency    Field = "currency"
	Channel     Field = "channel"
	Staff       Field = "staff"
	Status      Field = "status"
	Reason      Field = "reason"
	OrderID     Field = "order_id"  // that its shop gave it, where that is not the number
	Cancelled   Field = "cancelled" // when
	Promised    Field = "promised"
	Delivered   Field = "delivered"
	ZoneName    Field = "zone"   // of the row's clock
	Joined      Field = "joined" // since when somebody is a customer
	Street      Field = "street"
	City        Field = "city"
	Region      Field = "region"
	Postcode    Field = "postcode"
	Birthday    Field = "birthday"
	Tags        Field = "tags"
	AgreedEmail Field = "agreed_email" // yes or no to marketing
	AgreedSMS   Field = "agreed_sms"

	Subscription Field = "subscription" // by which its source names it
	Plan         Field = "plan"         // what is subscribed to
	Interval     Field = "interval"     // of its periods: month, 3 months, yearly
	Every        Field = "every"        // how many intervals a period is
	PeriodPrice  Field = "period_price" // what is paid each period, for all of the quantity
	Started      Field = "started"      // when it began
	Ended        Field = "ended"        // when it ended or will
	TrialEnd     Field = "trial_end"
	PaidUntil    Field = "paid_until"
)

// Fields are all of them.
var Fields = []Field{Order, Date, Time, Customer, Email, Phone, Card, Name, Given, Family, Country, Language,
	SKU, Product, Category, Quantity, Price, LineTotal, Total, Discount, Shipping, Tax, Refunded, Currency,
	Channel, Staff, Status, Reason, OrderID, Cancelled, Promised, Delivered, ZoneName, Joined, Street, City, Region, Postcode, Birthday, Tags,
	AgreedEmail, AgreedSMS, Subscription, Plan, Interval, Every, PeriodPrice, Started, Ended, TrialEnd, PaidUntil}

// Layout knows one kind of file: which column holds what, by its name, and
// what is particular about it.
type Layout struct {
	Name string
	// Columns are the header names of each field, in any case. All that are
	// in Needs must be there for the file to be recognised.
	Columns map[Field][]string
	Needs   []Field
	// Signs are other columns that must be there: by them a file is told from
	// like ones.
	Signs []string

	Source   string         // of its order numbers, unless somebody says otherwise
	Currency money.Currency // that the file is in, if it is always the same
	Zone     string         // of its clocks, likewise
	Channel  string

	// UTC: its clocks without an offset are of no zone but UTC.
	UTC bool
	// Parts: a row with a number and no date goes on with the order of the row
	// that has both, on which alone stands what belongs to the whole order.
	Parts bool

	// Shape sees to what is particular, when a row has been read; nil: nothing.
	Shape func(*Record) error
	// Tell does so for layouts that need more of a row than its fields. What is
	// in the order is for it to say where there are no columns of prices.
	Tell func(*reader, sheet.Row, *Record) error
}

// Layouts are the files we know, the surest first. The mapping that a person
// makes is not among them: it is the layout called "mapping".
var Layouts = []Layout{onlineRetail, cdnow, shopifyOrders, shopifyCustomers, webToffee, skyVerge, wooOrders, wooCustomers,
	stripePayments, stripeCustomers, stripeSubscriptions, squareItems, squareTransactions, mailchimp, vcards, plainSubscriptions}

// Mapping is the name of the layout that a person makes.
const Mapping = "mapping"

// Recognise returns the layout of a header, or false.
func Recognise(header []string) (Layout, bool) {
	for _, l := range Layouts {
		if l.knows(header) {
			return l, true
		}
	}
	return Layout{}, false
}

// knows reports whether the layout is that of a header.
func (l Layout) knows(header []string) bool {
	found := l.find(header)
	if slices.ContainsFunc(l.Needs, func(f Field) bool { return found[f] == "" }) {
		return false
	}
	return !slices.ContainsFunc(l.Signs, func(sign string) bool {
		return !slices.ContainsFunc(header, func(h string) bool { return plainName(h) == plainName(sign) })
	})
}

// find returns the column of each field of the layout that a header has.
func (l Layout) find(header []string) map[Field]string {
	found := map[Field]string{}
	for field, names := range l.Columns {
		for _, name := range names {
			if i := slices.IndexFunc(header, func(h string) bool { return plainName(h) == plainName(name) }); i >= 0 {
				found[field] = header[i]
				break
			}
		}
	}
	return found
}

// plainName is a header without case, blanks and signs: "Customer ID" and
// "customer_id" are the same.
func plainName(s string) string { return strings.Join(text.Words(s), "") }

// headerHash names a header, whatever the order of its columns.
func headerHash(header []string) string {
	header = own(header)
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = plainName(h)
	}
	slices.Sort(names)
	h := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return hex.EncodeToString(h[:])
}

// layoutOf returns the layout that settings name, with the columns chosen.
func layoutOf(s Settings, header []string) (Layout, error) {
	l := Layout{Name: Mapping}
	if s.Layout != Mapping {
		i := slices.IndexFunc(Layouts, func(l Layout) bool { return l.Name == s.Layout })
		if i < 0 {
			return l, errs.Wrong("layout", "importers.wrong.layout", "Layout", s.Layout)
		}
		l = Layouts[i]
	}
	columns := l.find(header)
	for field, name := range s.Columns {
		if name == "" {
			delete(columns, field)
			continue
		}
		if !slices.Contains(header, name) {
			return l, errs.Wrong(string(field), "importers.wrong.column", "Column", text.Short(name, 60))
		}
		columns[field] = name
	}
	known, subscribes := l.Columns, l.subscribes()
	l.Columns = map[Field][]string{}
	for field, name := range columns {
		l.Columns[field] = []string{name}
		if (l.Tell != nil || subscribes) && s.Columns[field] == "" {
			l.Columns[field] = append(l.Columns[field], l.others(known[field], header, name)...)
		}
	}
	return l, l.check()
}

// others are the columns of a field that stand in where its first is empty.
func (l Layout) others(names, header []string, first string) []string {
	var more []string
	for _, name := range names {
		if i := slices.IndexFunc(header, func(h string) bool { return plainName(h) == plainName(name) }); i >= 0 && header[i] != first {
			more = append(more, header[i])
		}
	}
	return more
}

// check says what a layout lacks to tell of anything.
func (l Layout) check() error {
	has := func(f Field) bool { return len(l.Columns[f]) > 0 }
	known := has(Customer) || has(Email) || has(Phone) || has(Card)
	if l.subscribes() {
		return l.checkSubscriptions(has, known)
	}
	switch {
	case !has(Date) && !known:
		return errs.Wrong("date", "importers.wrong.choose-date")
	case has(Date) && !has(Price) && !has(LineTotal) && !has(Total) && l.Tell == nil:
		return errs.Wrong("total", "importers.wrong.choose-total")
	case has(Date) && !has(Order) && !known:
		return errs.Wrong("order", "importers.wrong.choose-order")
	}
	return nil
}

// settings are what the layout knows of itself.
func (l Layout) settings() Settings {
	return Settings{Layout: l.Name, Currency: l.Currency, Zone: l.Zone, Source: l.Source, Channel: l.Channel}
}

// guesses are names that columns go by, for files that no layout knows.
var guesses = Layout{Name: Mapping, Columns: map[Field][]string{
	Order:       {"order", "order id", "order no", "order number", "order #", "invoice", "invoice no", "invoice id", "receipt", "transaction", "transaction id", "objednávka", "číslo objednávky", "ordine", "numero ordine", "поръчка", "заказ", "номер заказа", "주문번호"},
	Date:        {"date", "order date", "created at", "created", "datetime", "invoice date", "purchase date", "paid at", "datum", "data", "дата", "날짜", "주문일"},
	Time:        {"time", "order time", "čas", "ora", "час", "время", "시간"},
	Customer:    {"customer id", "customer", "customer no", "customer number", "client id", "user id", "zákazník", "cliente", "клиент", "고객번호"},
	Email:       {"email", "e-mail", "customer email", "billing email", "mail", "имейл", "эл. почта", "이메일"},
	Phone:       {"phone", "telephone", "mobile", "phone number", "billing phone", "telefon", "telefono", "телефон", "전화"},
	Card:        {"card", "card number", "loyalty card", "karta"},
	Name:        {"name", "customer name", "full name", "billing name", "jméno a příjmení", "nome e cognome", "име", "имя", "이름"},
	Given:       {"first name", "given name", "billing first name", "jméno", "nome"},
	Family:      {"last name", "family name", "surname", "billing last name", "příjmení", "cognome", "фамилия"},
	Country:     {"country", "billing country", "země", "stato", "paese", "държава", "страна", "국가"},
	Language:    {"language", "locale", "jazyk", "lingua", "език", "язык", "언어"},
	SKU:         {"sku", "product id", "stock code", "item id", "product code", "kód", "codice", "артикул", "상품코드"},
	Product:     {"product", "product name", "item", "item name", "description", "produkt", "prodotto", "продукт", "товар", "상품명"},
	Category:    {"category", "product category", "kategorie", "categoria", "категория", "카테고리"},
	Quantity:    {"quantity", "qty", "count", "items", "množství", "quantità", "количество", "수량"},
	Price:       {"price", "unit price", "item price", "cena", "cena za kus", "prezzo", "цена", "단가"},
	LineTotal:   {"line total", "item total", "amount", "částka", "importo", "сума", "сумма", "금액"},
	Total:       {"total", "order total", "grand total", "revenue", "celkem", "totale", "общо", "итого", "합계"},
	Discount:    {"discount", "discount amount", "sleva", "sconto", "отстъпка", "скидка", "할인"},
	Shipping:    {"shipping", "postage", "delivery", "doprava", "spedizione", "доставка", "배송비"},
	Tax:         {"tax", "taxes", "vat", "daň", "dph", "iva", "ддс", "налог", "세금"},
	Refunded:    {"refunded", "refunded amount", "amount refunded", "vráceno", "rimborsato"},
	Currency:    {"currency", "currency code", "měna", "valuta", "валута", "валюта", "통화"},
	Channel:     {"channel", "source", "sales channel", "kanál", "canale", "канал", "채널"},
	Staff:       {"staff", "employee", "sales person", "cashier", "prodavač", "commesso"},
	Status:      {"status", "state", "financial status", "stav", "stato ordine", "статус", "상태"},
	Cancelled:   {"cancelled at", "cancelled on", "stornováno", "annullato il"},
	Joined:      {"joined", "registered", "registered at", "customer since", "sign up", "signup date", "registrován", "registrato il"},
	Street:      {"street", "address", "address 1", "billing address", "ulice", "via", "indirizzo", "улица", "адрес", "주소"},
	City:        {"city", "town", "billing city", "město", "città", "град", "город", "도시"},
	Region:      {"region", "province", "kraj", "provincia", "област", "область"},
	Postcode:    {"postcode", "zip", "postal code", "zip code", "billing postcode", "psč", "cap", "пощенски код", "индекс", "우편번호"},
	Birthday:    {"birthday", "birth date", "date of birth", "born", "datum narození", "narozeniny", "data di nascita", "дата на раждане", "дата рождения", "생년월일", "생일"},
	Tags:        {"tags", "labels", "štítky", "etichette", "етикети", "метки", "태그"},
	AgreedEmail: {"accepts email marketing", "accepts marketing", "newsletter", "email consent", "marketing consent", "souhlas", "consenso", "съгласие", "согласие", "수신 동의"},
	AgreedSMS:   {"accepts sms marketing", "sms consent"},
	Reason:      {"reason", "cancel reason", "refund reason", "důvod", "motivo", "причина"},
	Promised:    {"promised", "promised date", "due date", "slíbeno"},
	Delivered:   {"delivered", "delivered at", "delivery date", "doručeno"},
}}

// Guess proposes a mapping for a file that no layout knows: by the names of
// the columns, and by what they hold.
func Guess(profile sheet.Profile) Settings {
	header := make([]string, len(profile.Columns))
	for i, c := range profile.Columns {
		header[i] = c.Name
	}
	header = own(header)
	s := Settings{Layout: Mapping, Columns: guesses.find(header)}
	used := map[string]bool{}
	for _, name := range s.Columns {
		used[name] = true
	}
	byKind := map[sheet.Kind]Field{sheet.KindEmail: Email, sheet.KindDay: Date, sheet.KindMoment: Date, sheet.KindMoney: Total, sheet.KindPhone: Phone}
	for _, c := range profile.Columns {
		if f, ok := byKind[c.Kind]; ok && s.Columns[f] == "" && !used[c.Name] {
			s.Columns[f] = c.Name
		}
	}
	s.learn(profile, s.Columns)
	return s
}

// learn takes from a sample how the columns of dates and amounts are written,
// and in which currency.
func (s *Settings) learn(profile sheet.Profile, columns map[Field]string) {
	for _, c := range profile.Columns {
		if dated(c.Name, columns) && !c.Dates.Ambiguous { // else it is asked for
			s.Dates = c.Dates.Order
		}
		if c.Mark != sheet.NoMark && (c.Name == columns[Price] || c.Name == columns[LineTotal] || c.Name == columns[Total] || c.Name == columns[PeriodPrice]) {
			s.Mark = c.Mark
		}
		if c.Currency != "" && s.Currency == "" {
			if code, err := money.ParseCurrency(c.Currency); err == nil {
				s.Currency = code
			}
		}
	}
	if s.Currency == "" {
		s.Currency = mostly(profile, columns[Currency])
	}
}

// dated reports whether a column tells when something happened that the file
// is about.
func dated(name string, columns map[Field]string) bool {
	return name == columns[Date] || name == columns[Started] || name == columns[Ended]
}

// learned are the settings of a layout for a file of which a sample was read.
// What it has always the same stays.
func (l Layout) learned(header []string, profile sheet.Profile) Settings {
	s := l.settings()
	s.learn(profile, l.find(header))
	if l.Currency != "" {
		s.Currency = l.Currency
	}
	return s
}

// mostly is the currency that most of the sampled rows are in, by their column
// of codes.
func mostly(profile sheet.Profile, column string) money.Currency {
	counts := map[money.Currency]int{}
	var best money.Currency
	for i, c := range profile.Columns {
		if c.Name != column {
			continue
		}
		for _, row := range profile.Rows {
			if i >= len(row) {
				continue
			}
			if code, err := money.ParseCurrency(row[i]); err == nil {
				if counts[code]++; counts[code] > counts[best] {
					best = code
				}
			}
		}
	}
	return best
}
