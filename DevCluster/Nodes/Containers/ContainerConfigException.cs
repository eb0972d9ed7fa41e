namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>The container's configuration cannot be made now (waiting reason CreateContainerConfigError); tried again later.</summary>
public sealed class ContainerConfigException(string message) : Exception(message);
