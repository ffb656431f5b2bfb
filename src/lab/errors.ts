/** A file, model or argument is not valid; the user can correct it. The message is one sentence. */
export class LabError extends Error {
  override readonly name = 'LabError';
}
