export interface ScreenFacts {
  apiUrl: string;
  /** Absent when the keys come from the environment. */
  developmentKey?: string;
  /** Absent with an external Temporal whose UI is not configured. */
  uiUrl?: string;
  namespace: string;
  /** Absent when nothing is embedded. */
  dataDir?: string;
  /** Name and address of each part. */
  parts: Readonly<Record<string, string>>;
}

/** The link to the Web UI's list of cases that wait for an investigator. */
export function waitingCasesLink(uiUrl: string, namespace: string): string {
  return `${uiUrl}/namespaces/${namespace}/workflows?query=${encodeURIComponent("LongwatchStatus='waiting'")}`;
}

/** What a person needs to know once everything runs, on one screen. */
export function startScreen(facts: ScreenFacts): string {
  const rows: [string, string][] = [
    ['API', `${facts.apiUrl}    (documents itself at /openapi.json)`],
    // The key comes behind the #: browsers send that to nobody, and the page takes it out of the address at once.
    ['page', facts.developmentKey ? `${facts.apiUrl}/#key=${facts.developmentKey}` : `${facts.apiUrl}/`],
    ['key', facts.developmentKey ?? 'as set in LONGWATCH_API_KEYS'],
    ...(facts.uiUrl
      ? ([
          ['Web UI', facts.uiUrl],
          ['cases', waitingCasesLink(facts.uiUrl, facts.namespace)],
        ] as [string, string][])
      : []),
    ...(facts.dataDir
      ? ([['data', `${facts.dataDir}    (kept when you stop; delete it to begin anew)`]] as [string, string][])
      : []),
    ...Object.entries(facts.parts),
    ['try', 'npm run demo    (in another terminal)'],
    ['stop', 'Ctrl-C'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `\nLongwatch is running.\n\n${rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')}\n`;
}
