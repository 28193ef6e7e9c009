package locale

import (
	"strings"

	"regulars/internal/platform/money"
)

// style is how a language writes numbers and dates. The tables follow the
// Unicode CLDR, release 45, for the languages of our catalogues; golang.org/x/text
// has no dates, and its money does not take exact amounts.
type style struct {
	group, point string
	group4       bool   // whether a number of four digits is grouped
	percent      string // between number and sign
	moneyFirst   bool   // symbol before the amount
	months       [12]string
	monthsLong   [12]string // in a date
	monthsAlone  [12]string // without a day
	weekdays     [7]string  // Sunday first
	weekdaysLong [7]string
	// patterns: d day, m month's number, M short and L long month in a date, A
	// long month alone, S short month alone, y year, anything else is itself;
	// text between quotes is kept.
	day, dayLong, month, monthLong, dayMonth string
	dateTime                                 string // between day and time
}

const nbsp = "\u00a0"

func list(words string) (out [12]string) {
	copy(out[:], strings.Split(words, " "))
	return out
}

func week(words string) (out [7]string) {
	copy(out[:], strings.Split(words, " "))
	return out
}

func styleOf(lang string) *style {
	if s, ok := styles[lang]; ok {
		return s
	}
	return styles["en"]
}

var styles = map[string]*style{
	"en": {
		group: ",", point: ".", group4: true, moneyFirst: true,
		months:       list("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
		monthsLong:   list("January February March April May June July August September October November December"),
		monthsAlone:  list("January February March April May June July August September October November December"),
		weekdays:     week("Sun Mon Tue Wed Thu Fri Sat"),
		weekdaysLong: week("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
		day:          "d M y", dayLong: "d L y", month: "M y", monthLong: "A y", dayMonth: "d M", dateTime: ", ",
	},
	"cs": {
		group: nbsp, point: ",", group4: true, percent: nbsp,
		months:       list("led úno bře dub kvě čvn čvc srp zář říj lis pro"),
		monthsLong:   list("ledna února března dubna května června července srpna září října listopadu prosince"),
		monthsAlone:  list("leden únor březen duben květen červen červenec srpen září říjen listopad prosinec"),
		weekdays:     week("ne po út st čt pá so"),
		weekdaysLong: week("neděle pondělí úterý středa čtvrtek pátek sobota"),
		day:          "d. m. y", dayLong: "d. L y", month: "M y", monthLong: "A y", dayMonth: "d. m.", dateTime: " ",
	},
	"bg": {
		group: nbsp, point: ",", percent: nbsp,
		months:       list("яну фев март апр май юни юли авг сеп окт ное дек"),
		monthsLong:   list("януари февруари март април май юни юли август септември октомври ноември декември"),
		monthsAlone:  list("януари февруари март април май юни юли август септември октомври ноември декември"),
		weekdays:     week("нд пн вт ср чт пт сб"),
		weekdaysLong: week("неделя понеделник вторник сряда четвъртък петък събота"),
		day:          "d.mm.y 'г.'", dayLong: "d L y 'г.'", month: "M y 'г.'", monthLong: "A y 'г.'", dayMonth: "d.mm", dateTime: ", ",
	},
	"ko": {
		group: ",", point: ".", group4: true, moneyFirst: true,
		months:       list("1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월"),
		monthsLong:   list("1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월"),
		monthsAlone:  list("1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월"),
		weekdays:     week("일 월 화 수 목 금 토"),
		weekdaysLong: week("일요일 월요일 화요일 수요일 목요일 금요일 토요일"),
		day:          "y. m. d.", dayLong: "y'년' L d'일'", month: "y'년' M", monthLong: "y'년' A", dayMonth: "m. d.", dateTime: " ",
	},
	"it": {
		group: ".", point: ",", group4: true,
		months:       list("gen feb mar apr mag giu lug ago set ott nov dic"),
		monthsLong:   list("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
		monthsAlone:  list("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
		weekdays:     week("dom lun mar mer gio ven sab"),
		weekdaysLong: week("domenica lunedì martedì mercoledì giovedì venerdì sabato"),
		day:          "d M y", dayLong: "d L y", month: "M y", monthLong: "A y", dayMonth: "d M", dateTime: ", ",
	},
	"ru": {
		group: nbsp, point: ",", group4: true, percent: nbsp,
		months:       list("янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек."),
		monthsLong:   list("января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
		monthsAlone:  list("январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь"),
		weekdays:     week("вс пн вт ср чт пт сб"),
		weekdaysLong: week("воскресенье понедельник вторник среда четверг пятница суббота"),
		day:          "d M y 'г.'", dayLong: "d L y 'г.'", month: "S y 'г.'", monthLong: "A y 'г.'", dayMonth: "d M", dateTime: ", ",
	},
}

// russianAlone are the short months without a day, which differ in Russian.
var russianAlone = list("янв. февр. март апр. май июнь июль авг. сент. окт. нояб. дек.")

// symbols of currencies by which they are known in any of our languages; a
// currency without one is written with its code.
var symbols = map[money.Currency]string{
	"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "KRW": "₩", "CZK": "Kč", "BGN": "лв.",
	"RUB": "₽", "PLN": "zł", "UAH": "₴", "INR": "₹", "ILS": "₪", "VND": "₫", "TRY": "₺",
	"HUF": "Ft", "SEK": "kr", "NOK": "kr", "DKK": "kr",
}
