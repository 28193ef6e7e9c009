package sheet

import "archive/zip"

func isWorkbook(z *zip.Reader) bool            { return false }
func (r *Reader) openBook(z *zip.Reader) error { return nil }
func looksLikeData(s string) bool              { return false }
