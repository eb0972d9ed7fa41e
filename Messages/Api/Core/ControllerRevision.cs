using System.Text.Json;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>`apps/v1` ControllerRevision: an unchangeable copy of data at a time.</summary>
public sealed record ControllerRevision : KubeObject
{
    public JsonElement? Data { get; init; }
    public long? Revision { get; init; }
}
