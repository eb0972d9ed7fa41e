using System.Net;
using System.Text;

namespace Troupe.Stress.Migration;

/// <summary>A stress report as one HTML page that needs nothing else.</summary>
internal static class StressPage
{
    private const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
        table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { border-bottom: 1px solid #ddd; padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top }
        td.n { text-align: right; font-variant-numeric: tabular-nums } .ok { color: #17692d } .bad { color: #b3261e }
        """;

    public static string Of(StressReport report)
    {
        var page = new StringBuilder();
        var o = report.Options;
        page.Append($"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Migration stress</title><style>{Style}</style>");
        page.Append($"<h1>Migration stress: <span class=\"{(report.Passed ? "ok\">passed" : "bad\">failed")}</span></h1>");
        page.Append($"<p>{Text(report.Mode)}, {o.Guests} guests on {o.Nodes} nodes, {o.Duration.TotalMinutes:0.#} minutes with {o.FaultsPerMinute:0.#} faults a minute and up to {o.Parallel} migrations at a time; seed {o.Seed}. "
            + $"Begun {report.StartedAt:yyyy-MM-dd HH:mm:ss} UTC, took {report.Took.TotalMinutes:0.0} minutes.</p>");
        Table(page, "Migrations", report.Migrations);
        Table(page, "Why migrations failed", report.FailureReasons);
        page.Append("<h2>Times, in milliseconds</h2><table><tr><th></th><th>number</th><th>P50</th><th>P95</th><th>P99</th><th>longest</th></tr>");
        Row(page, "from the object to its end", report.TotalMs);
        Row(page, "the guest stood still", report.DowntimeMs);
        page.Append("</table>");
        Table(page, "Faults", report.Faults);
        Table(page, "Losses", new Dictionary<string, int>
        {
            ["guests that went with the QEMU or launcher that was killed on purpose"] = report.Losses,
            ["TCP sessions broken"] = (int)report.TcpLosses,
            ["disks with something missing"] = (int)report.DiskLosses,
            ["emulated guests whose kernel panicked (not counted as failure, see docs/stress.md)"] = report.EmulatedPanics,
        });
        List(page, "Violations", report.Violations.Select(v => $"{v.At:HH:mm:ss.fff} VMI {v.VmiUid}: {v.Law}: {v.What}"));
        List(page, "Leaks", report.Leaks);
        return page.Append("</html>\n").ToString();
    }

    private static void Table(StringBuilder page, string title, IReadOnlyDictionary<string, int> counts)
    {
        page.Append($"<h2>{Text(title)}</h2><table>");
        foreach (var (word, count) in counts)
            page.Append($"<tr><td>{Text(word)}</td><td class=\"n\">{count}</td></tr>");
        page.Append(counts.Count == 0 ? "<tr><td>none</td></tr></table>" : "</table>");
    }

    private static void Row(StringBuilder page, string what, Distribution d) =>
        page.Append($"<tr><td>{Text(what)}</td><td class=\"n\">{d.Count}</td><td class=\"n\">{d.P50}</td><td class=\"n\">{d.P95}</td><td class=\"n\">{d.P99}</td><td class=\"n\">{d.Max}</td></tr>");

    private static void List(StringBuilder page, string title, IEnumerable<string> lines)
    {
        var all = lines.ToList();
        page.Append($"<h2 class=\"{(all.Count == 0 ? "ok" : "bad")}\">{title}: {(all.Count == 0 ? "none" : all.Count)}</h2><ul>");
        foreach (var line in all)
            page.Append($"<li>{Text(line)}</li>");
        page.Append("</ul>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
