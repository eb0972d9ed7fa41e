using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>A webhook's clientConfig: a URL, or (with an empty one) a path of a service; the bundle is base64 of PEM, empty for the system's roots.</summary>
internal sealed record WebhookTarget(string Url, string Namespace, string Service, int Port, string Path, string CaBundle)
{
    public static WebhookTarget From(JsonObject? config)
    {
        var service = config.Obj("service");
        return new WebhookTarget(
            config.Str("url") ?? "", service.Str("namespace") ?? "", service.Str("name") ?? "", (int)(service.Int("port") ?? 443), service.Str("path") ?? "/",
            config.Str("caBundle") ?? "");
    }

    /// <summary>Where a call goes by name; a service is dialled through its endpoints, not through DNS.</summary>
    public Uri Address => new(Url.Length > 0 ? Url : $"https://{Service}.{Namespace}.svc:{Port}{(Path.StartsWith('/') ? Path : "/" + Path)}");

    /// <param name="config">As given by the user.</param>
    /// <param name="path">Of the clientConfig.</param>
    public static IEnumerable<StatusCause> Problems(JsonObject? config, string path)
    {
        var url = config.Str("url");
        var service = config.Obj("service");
        if (url is null == service is null)
        {
            yield return new("FieldValueRequired", "Required value: exactly one of url or service is required", path);
            yield break;
        }
        if (config.Str("caBundle") is { Length: > 0 } bundle && !Aggregation.Trust.IsBundle(bundle))
            yield return new("FieldValueInvalid", $"Invalid value: \"{bundle}\": unable to load root certificates: unable to parse bytes as PEM block", path + ".caBundle");
        if (url is not null)
        {
            const string form = "; desired format: https://host[/path]";
            if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Host.Length == 0)
                yield return new("FieldValueInvalid", $"Invalid value: \"{url}\": host must be specified{form}", path + ".url");
            else if (parsed.Scheme != "https")
                yield return new("FieldValueInvalid", $"Invalid value: \"{parsed.Scheme}\": 'https' is the only allowed URL scheme{form}", path + ".url");
            else if (parsed.UserInfo.Length > 0)
                yield return new("FieldValueInvalid", $"Invalid value: \"{parsed.UserInfo}\": user information is not permitted in the URL", path + ".url");
            else if (parsed.Fragment.Length > 0)
                yield return new("FieldValueInvalid", $"Invalid value: \"{parsed.Fragment[1..]}\": fragments are not permitted in the URL", path + ".url");
            else if (parsed.Query.Length > 0)
                yield return new("FieldValueInvalid", $"Invalid value: \"{parsed.Query[1..]}\": query parameters are not permitted in the URL", path + ".url");
            yield break;
        }
        if (string.IsNullOrEmpty(service.Str("name")))
            yield return new("FieldValueRequired", "Required value: service name is required", path + ".service.name");
        if (string.IsNullOrEmpty(service.Str("namespace")))
            yield return new("FieldValueRequired", "Required value: service namespace is required", path + ".service.namespace");
        if (service.Int("port") is not (null or (> 0 and < 65536)))
            yield return new("FieldValueInvalid", $"Invalid value: {service.Int("port")}: port is not valid: must be between 1 and 65535, inclusive", path + ".service.port");
        if (service.Str("path") is { Length: > 0 } at && !at.StartsWith('/'))
            yield return new("FieldValueInvalid", $"Invalid value: \"{at}\": must start with a '/'", path + ".service.path");
    }
}
