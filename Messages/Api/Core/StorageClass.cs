using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

/// <summary>Only which one is meant where nobody names one: that is said by annotations.</summary>
public sealed record StorageClass : KubeObject;
