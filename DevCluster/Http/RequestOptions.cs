using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Http;

/// <summary>What the query of a request asks for beyond its path.</summary>
internal static class RequestOptions
{
    public static RequestContext Write(HttpRequest request, UserInfo user)
    {
        var dryRun = request.Query["dryRun"];
        if (dryRun.Any(d => d is not ("All" or "")))
        {
            throw ApiException.Invalid("meta.k8s.io", "CreateOptions", "",
                [new("FieldValueNotSupported", $"Unsupported value: []string{{\"{string.Join("\", \"", dryRun.AsEnumerable())}\"}}: supported values: \"All\"", "dryRun")]);
        }
        var validation = request.Query["fieldValidation"].ToString();
        if (validation is not ("" or "Ignore" or "Warn" or "Strict"))
        {
            throw ApiException.Invalid("meta.k8s.io", "CreateOptions", "",
                [new("FieldValueNotSupported", $"Unsupported value: \"{validation}\": supported values: \"Ignore\", \"Strict\", \"Warn\"", "fieldValidation")]);
        }
        var manager = request.Query["fieldManager"].ToString();
        if (manager.Length > 128)
            throw ApiException.Invalid("meta.k8s.io", "CreateOptions", "", [new("FieldValueTooLong", "Too long: may not be more than 128 bytes", "fieldManager")]);
        if (manager.Any(char.IsControl))
            throw ApiException.Invalid("meta.k8s.io", "CreateOptions", "", [new("FieldValueInvalid", $"Invalid value: \"{manager}\": should only contain printable characters", "fieldManager")]);
        if (manager.Length == 0)
            manager = request.Headers.UserAgent.ToString().Split('/')[0] is { Length: > 0 } agent ? agent : "unknown";
        return new RequestContext(user)
        {
            DryRun = dryRun.Contains("All"),
            FieldValidation = validation.Length > 0 ? validation : "Warn",
            FieldManager = manager,
            Force = Flag(request, "force"),
        };
    }

    public static JsonObject Delete(IQueryCollection query)
    {
        var options = new JsonObject();
        if (query["propagationPolicy"].ToString() is { Length: > 0 } policy)
            options["propagationPolicy"] = policy;
        if (long.TryParse(query["gracePeriodSeconds"], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var grace))
            options["gracePeriodSeconds"] = grace;
        if (query["orphanDependents"].ToString() is { Length: > 0 } orphan)
            options["orphanDependents"] = orphan == "true";
        return options;
    }

    public static ListOptions List(HttpRequest request)
    {
        var query = request.Query;
        static string? Text(Microsoft.Extensions.Primitives.StringValues value) => value.Count == 0 ? null : value.ToString();
        long? Number(string name)
        {
            var text = query[name].ToString();
            return text.Length == 0 ? null
                : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n
                : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
        }
        return new ListOptions
        {
            LabelSelector = Text(query["labelSelector"]),
            FieldSelector = Text(query["fieldSelector"]),
            ResourceVersion = Text(query["resourceVersion"]),
            ResourceVersionMatch = Text(query["resourceVersionMatch"]),
            Limit = Number("limit"),
            Continue = Text(query["continue"]),
            AllowWatchBookmarks = Flag(request, "allowWatchBookmarks"),
            SendInitialEvents = query["sendInitialEvents"].Count == 0 ? null : Flag(request, "sendInitialEvents"),
            TimeoutSeconds = (int?)Math.Min(Number("timeoutSeconds") ?? 0, 24 * 3600),
        };
    }

    public static bool Flag(HttpRequest request, string name) =>
        request.Query.TryGetValue(name, out var value) && value.ToString() is "" or "true" or "True" or "1";
}
