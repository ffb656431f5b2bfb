/** The facts that the start screen shows. */
export interface ScreenFacts {
  apiUrl: string;
  /** Absent if the API keys come from the environment. */
  developmentKey?: string;
  /** Absent with an external Temporal whose Web UI is not configured. */
  uiUrl?: string;
  namespace: string;
  /** Absent if nothing is embedded. */
  dataDir?: string;
  /** Address of each service by name. */
  parts: Readonly<Record<string, string>>;
  /** Milliseconds since the process began, and the part that took longest. */
  startedInMs: number;
  longest?: { part: string; ms: number };
}

/** Returns a link to the Web UI's list of cases that wait for an investigator. */
export function waitingCasesLink(uiUrl: string, namespace: string): string {
  return `${uiUrl}/namespaces/${namespace}/workflows?query=${encodeURIComponent("LongwatchStatus='waiting'")}`;
}

/** Returns the start screen: addresses, key and next steps. */
export function startScreen(facts: ScreenFacts): string {
  const rows: [string, string][] = [
    ['API', `${facts.apiUrl}    (OpenAPI document at /openapi.json)`],
    // Browsers do not send the fragment after the # to any server, and the page removes it from the address bar at
    // once.
    ['page', facts.developmentKey ? `${facts.apiUrl}/#key=${facts.developmentKey}` : `${facts.apiUrl}/`],
    ['key', facts.developmentKey ?? 'as set in LONGWATCH_API_KEYS'],
    ...(facts.uiUrl
      ? ([
          ['Web UI', facts.uiUrl],
          ['cases', waitingCasesLink(facts.uiUrl, facts.namespace)],
        ] as [string, string][])
      : []),
    ...(facts.dataDir
      ? ([['data', `${facts.dataDir}    (kept after a stop; delete it to start without data)`]] as [string, string][])
      : []),
    ...Object.entries(facts.parts),
    ['try', 'npm run demo    (in another terminal)'],
    ['stop', 'Ctrl-C'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const { startedInMs, longest } = facts;
  const took = longest ? `; ${longest.part} took longest, ${seconds(longest.ms)}` : '';
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`);
  return `\nLongwatch is running (started in ${seconds(startedInMs)}${took}).\n\n${lines.join('')}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
