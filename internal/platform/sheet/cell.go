package sheet

import (
	"strconv"
	"strings"

	"regulars/internal/platform/errs"
)

// bare takes blanks off a cell, and the ways to make a spreadsheet keep it as
// text: a leading apostrophe and ="…".
func bare(cell string) string {
	s := strings.TrimSpace(cell)
	if len(s) > 3 && strings.HasPrefix(s, `="`) && strings.HasSuffix(s, `"`) {
		s = strings.TrimSpace(s[2 : len(s)-1])
	}
	if len(s) > 1 && s[0] == '\'' {
		s = strings.TrimSpace(s[1:])
	}
	return s
}

// shown is a cell as it appears in a sentence.
func shown(cell string) any {
	if cell = strings.TrimSpace(cell); cell == "" {
		return errs.Wrong("", "sheet.wrong.empty-cell")
	}
	if r := []rune(cell[:min(len(cell), 400)]); len(r) > 40 {
		cell = string(r[:40]) + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(cell, "?"))
}

// CleanID reads an identifier: without the apostrophe or ="…" that keeps it
// text in a spreadsheet, without the ".0" of programs that took it for a
// number. It refuses what a spreadsheet has rounded ("7.21045E+12"), because the
// digits are lost.
func CleanID(cell string) (string, error) {
	s := bare(cell)
	if whole, ok := strings.CutSuffix(s, ".0"); ok && whole != "" && strings.Trim(whole, "0123456789") == "" {
		return whole, nil
	}
	if i := strings.IndexAny(s, "Ee"); i > 0 && strings.HasPrefix(s[i+1:], "+") && strings.Trim(s[:i], "0123456789.,") == "" && strings.Trim(s[i+2:], "0123456789") == "" {
		return "", errs.Wrong("", "sheet.wrong.id-rounded", "Cell", shown(cell))
	}
	return s, nil
}

var bools = map[string]bool{
	"1": true, "true": true, "t": true, "yes": true, "y": true, "on": true, "x": true,
	"0": false, "false": false, "f": false, "no": false, "n": false, "off": false,
	"ano": true, "áno": true, "ne": false, "nie": false, "tak": true,
	"да": true, "нет": false, "не": false, "예": true, "네": true, "아니요": false, "아니오": false,
	"sì": true, "si": true, "sí": true, "oui": true, "non": false, "ja": true, "nein": false, "nej": false,
	"igen": true, "nem": false, "da": true, "nu": false, "sim": true, "não": false, "nee": false,
	"истина": true, "ложь": false, "pravda": true, "nepravda": false, "vero": true, "falso": false, "вярно": true, "невярно": false,
}

// ParseBool reads yes and no in the languages exports come in.
func ParseBool(cell string) (bool, error) {
	v, ok := asBool(cell)
	if !ok {
		return false, errs.Wrong("", "sheet.wrong.yes-no", "Cell", shown(cell))
	}
	return v, nil
}

func asBool(cell string) (v, ok bool) {
	v, ok = bools[strings.ToLower(bare(cell))]
	return v, ok
}

// looksLikeData reports whether a cell can hardly be the name of a column.
func looksLikeData(cell string) bool {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return false
	}
	if isEmail(cell) {
		return true
	}
	if _, err := asAmount(cell, NoMark); err == nil {
		return true
	}
	return dateShape(cell).kind != noDate
}

func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Contains(strings.Trim(domain, "."), ".") && !strings.ContainsAny(s, " ,;<>") && !strings.Contains(domain, "@")
}
