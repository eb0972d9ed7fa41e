using System.Collections.Concurrent;
using System.Text;

namespace Troupe.DevCluster.Http;

/// <summary>kube-apiserver's request counter, <c>apiserver_request_total</c>, in Prometheus' text format.</summary>
internal sealed class RequestMetrics
{
    private readonly ConcurrentDictionary<(string Verb, string Group, string Resource, string Subresource, int Code), long> _counts = new();

    public void Count(HttpContext context)
    {
        var parts = (context.Request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        // /api/v1/… or /apis/GROUP/VERSION/…
        var (group, rest) = parts switch
        {
            ["api", _, .. var core] => ("", core),
            ["apis", var name, _, .. var other] => (name, other),
            _ => ("", []),
        };
        if (rest is ["namespaces", _, _, ..])
            rest = rest[2..];
        if (rest is not [var resource, ..])
            return;
        var verb = context.Request.Method == "PATCH" && context.Request.ContentType?.StartsWith("application/apply-patch", StringComparison.Ordinal) is true ? "APPLY" : context.Request.Method;
        _counts.AddOrUpdate((verb, group, resource, rest.Length > 2 ? rest[2] : "", context.Response.StatusCode), 1, (_, n) => n + 1);
    }

    public Task ServeAsync(HttpContext context)
    {
        var text = new StringBuilder("# TYPE apiserver_request_total counter\n");
        foreach (var ((verb, group, resource, subresource, code), count) in _counts.OrderBy(c => c.Key))
            text.Append($"apiserver_request_total{{verb=\"{verb}\",group=\"{group}\",resource=\"{resource}\",subresource=\"{subresource}\",code=\"{code}\"}} {count}\n");
        context.Response.ContentType = "text/plain; version=0.0.4";
        return context.Response.WriteAsync(text.ToString());
    }
}
