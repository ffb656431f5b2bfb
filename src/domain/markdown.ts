/** Formats text as a cell of a Markdown table: at most 300 characters, without effect as Markdown, HTML or image. */
export function cell(text: string): string {
  const cut = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return cut
    .replace(/\s+/g, ' ')
    .replace(/[\\|`[\]!]/g, '\\$&')
    .replace(/</g, '&lt;');
}
