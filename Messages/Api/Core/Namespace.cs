using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>Of a namespace only its metadata is of interest here.</summary>
public sealed record Namespace : KubeObject;
