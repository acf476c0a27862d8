/** A table whose columns are aligned, as the project's formatter has them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, ...[title, ...rows.map(row => row[column]!)].map(columns)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text + ' '.repeat(widths[column]! - columns(text))).join(' | ')} |`
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function columns(text: string): number {
  return [...text].length
}
