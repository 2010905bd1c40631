// csv_sheetjs.cjs PACKAGE FOLDER: writes the rows that come as JSON on standard input with SheetJS, which is in PACKAGE, into FOLDER, a
// file for each kind.
const fs = require('node:fs');
const path = require('node:path');

const [folderOfPackage, folder] = process.argv.slice(2);
const sheets = require(path.join(folderOfPackage, 'dist/xlsx.full.min.js'));

const rows = JSON.parse(fs.readFileSync(0, 'utf8'));
const book = sheets.utils.book_new();
sheets.utils.book_append_sheet(book, sheets.utils.aoa_to_sheet(rows), 'People');
for (const kind of ['csv', 'txt', 'xlsx', 'xlsb', 'biff8', 'ods', 'html']) {
  fs.writeFileSync(path.join(folder, `sheetjs.${kind}`), Buffer.from(sheets.write(book, { bookType: kind, type: 'buffer' })));
}
const semicolons = sheets.utils.sheet_to_csv(book.Sheets.People, { FS: ';', RS: '\r\n', forceQuotes: true });
fs.writeFileSync(path.join(folder, 'sheetjs.semicolons'), semicolons);
