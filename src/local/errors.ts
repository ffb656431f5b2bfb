/** Why the embedded stack cannot start, as a sentence that says what to do. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}

/**
 * Another process took the port between its choice and the bind of the server that was to have it. Another port may do.
 */
export class PortTakenError extends StartError {
  override readonly name = 'PortTakenError';
}
