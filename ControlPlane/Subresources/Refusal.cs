using System.Text.Json;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Why a subresource request is not carried out, as Kubernetes' API errors say it.</summary>
public sealed record Refusal(int Code, string Reason, string Message)
{
    /// <summary>What it is about, or what is wrong in it one by one.</summary>
    public StatusDetails? Details { get; init; }

    public const string Machines = "virtualmachine";
    public const string Instances = "virtualmachineinstance";

    /// <param name="resource">In the singular, as KubeVirt names it here.</param>
    public static Refusal Conflict(string resource, string name, string text) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {resource}.kubevirt.io \"{name}\": {text}") { Details = About(resource, name) };

    public static Refusal Forbidden(string resource, string name, string text) => new(403, "Forbidden", $"{resource}.kubevirt.io \"{name}\" is forbidden: {text}") { Details = About(resource, name) };

    public static Refusal NotFound(string resource, string name) => new(404, "NotFound", $"{resource}.kubevirt.io \"{name}\" not found") { Details = About(resource, name) };

    public static Refusal BadRequest(string text) => new(400, "BadRequest", text);

    public static Refusal Internal(string text) => new(500, "InternalError", $"Internal error occurred: {text}") { Details = new StatusDetails { Causes = [new StatusCause { Message = text }] } };

    public Task WriteAsync(HttpResponse response)
    {
        response.StatusCode = Code;
        response.ContentType = "application/json";
        return response.WriteAsync(JsonSerializer.Serialize(new Status { Code = Code, Reason = Reason, Message = Message, Details = Details, Outcome = "Failure" }, ApiJson.Default.Status));
    }

    private static StatusDetails About(string resource, string name) => new() { Name = name, Group = "kubevirt.io", Kind = resource };
}
