// Package apiclient is a client of the API, generated from its document by
// oapi-codegen, as anybody could generate one: tests talk to the program
// through it. `make golden` writes it anew.
//
// Its one rule: nothing in it is written by hand but this sentence.
package apiclient
