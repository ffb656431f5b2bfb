/** Long notes are cut, and what people typed can neither end a cell nor bring HTML or images into the page. */
export function cell(text: string): string {
  const cut = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return cut
    .replace(/\s+/g, ' ')
    .replace(/[\\|`[\]!]/g, '\\$&')
    .replace(/</g, '&lt;');
}
