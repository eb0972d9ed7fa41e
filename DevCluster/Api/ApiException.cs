using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Api;

/// <summary>One entry of <c>Status.details.causes</c>; the field is a JSON path such as <c>spec.ports[0].name</c>.</summary>
public sealed record StatusCause(string Reason, string Message, string? Field = null);

/// <summary>A refused request: what the server answers as a Kubernetes <c>Status</c> object.</summary>
public sealed class ApiException : Exception
{
    public ApiException(int code, string reason, string message, JsonObject? details = null)
        : base(message)
    {
        Code = code;
        Reason = reason;
        Details = details;
    }

    /// <summary>The HTTP status code.</summary>
    public int Code { get; }

    /// <summary>Kubernetes' machine-readable reason, e.g. <c>NotFound</c>, <c>AlreadyExists</c>, <c>Conflict</c>.</summary>
    public string Reason { get; }

    public JsonObject? Details { get; }

    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
        };
        if (Reason.Length > 0)
            status["reason"] = Reason;
        if (Details is not null)
            status["details"] = Details.DeepClone();
        status["code"] = Code;
        return status;
    }

    public static ApiException NotFound(ResourceKey resource, string name) =>
        new(404, "NotFound", $"{resource} \"{name}\" not found", Detail(resource.Group, resource.Plural, name));

    public static ApiException UnknownPath() =>
        new(404, "NotFound", "the server could not find the requested resource", new JsonObject());

    public static ApiException AlreadyExists(ResourceKey resource, string name) =>
        new(409, "AlreadyExists", $"{resource} \"{name}\" already exists", Detail(resource.Group, resource.Plural, name));

    public static ApiException Conflict(ResourceKey resource, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {resource} \"{name}\": {why}", Detail(resource.Group, resource.Plural, name));

    public static ApiException Modified(ResourceKey resource, string name) =>
        Conflict(resource, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException Forbidden(ResourceKey resource, string name, string why, params StatusCause[] causes) =>
        new(403, "Forbidden", $"{resource}{(name.Length > 0 ? $" \"{name}\"" : "")} is forbidden: {why}", Detail(resource.Group, resource.Plural, name, causes));

    public static ApiException Expired(string message) => new(410, "Expired", message);

    public static ApiException MethodNotAllowed(string verb) =>
        new(405, "MethodNotAllowed", $"the server does not allow this method on the requested resource ({verb})", new JsonObject());

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException UnsupportedMediaType(string what) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - {what}");

    public static ApiException TooLarge(long limit) =>
        new(413, "RequestEntityTooLarge", $"Request entity too large: limit is {limit}");

    public static ApiException Internal(string message) => new(500, "InternalError", $"Internal error occurred: {message}");

    public static ApiException Unavailable(string message) => new(503, "ServiceUnavailable", message);

    public static ApiException Invalid(string group, string kind, string name, IReadOnlyCollection<StatusCause> causes)
    {
        var messages = causes.Select(c => c.Field is null ? c.Message : $"{c.Field}: {c.Message}").Distinct().ToList();
        var list = messages.Count == 1 ? messages[0] : $"[{string.Join(", ", messages)}]";
        var qualified = group.Length == 0 ? kind : $"{kind}.{group}";
        return new ApiException(422, "Invalid", $"{qualified} \"{name}\" is invalid: {list}", Detail(group, kind, name, causes));
    }

    private static JsonObject Detail(string group, string kind, string name, IReadOnlyCollection<StatusCause>? causes = null)
    {
        var details = new JsonObject();
        if (name.Length > 0)
            details["name"] = name;
        if (group.Length > 0)
            details["group"] = group;
        details["kind"] = kind;
        if (causes is { Count: > 0 })
        {
            details["causes"] = new JsonArray([.. causes.Select(c =>
            {
                var cause = new JsonObject { ["reason"] = c.Reason, ["message"] = c.Message };
                if (c.Field is not null)
                    cause["field"] = c.Field;
                return (JsonNode)cause;
            })]);
        }
        return details;
    }
}
