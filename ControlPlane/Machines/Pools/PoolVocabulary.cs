namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>Names that a pool's actor writes into objects, and the words of its conditions and events.</summary>
internal static class PoolVocabulary
{
    public const string ApiVersion = "pool.kubevirt.io/v1beta1";
    public const string Kind = "VirtualMachinePool";

    /// <summary>On a machine and on its instance: the pool's revision that it was made from.</summary>
    public const string RevisionLabel = "kubevirt.io/vm-pool-revision-name";

    /// <summary>On a pool whose machines keep their disks when users delete them, and on those machines.</summary>
    public const string Finalizer = "pool.kubevirt.io/finalizer";

    public const string ReplicaFailure = "ReplicaFailure";
    public const string ReplicaPaused = "ReplicaPaused";
    public const string FailedScaleOut = "FailedScaleOut";
    public const string FailedScaleIn = "FailedScaleIn";
    public const string FailedUpdate = "FailedUpdate";
    public const string FailedRevisionPruning = "FailedRevisionPruning";
    public const string SuccessfulPaused = "SuccessfulPaused";
    public const string SuccessfulResume = "SuccessfulResume";
}
