/** The text of each dashboard, by the name of its file. */
export declare const FILES: Readonly<Record<string, string>>;
